// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension Lab {
    /// What tells why something failed: flow table, counters, the daemon's log, the kernel's own.
    var evidence: String {
        let questions: [(String, [String])] = [
            ("flows", [Checkout.flowdump, "--instance", name, "-o", "wide"]),
            ("counters", [Checkout.flowdump, "--instance", name, "--counters"]),
            ("lost packets", [Checkout.lab, "lost", name]),
            ("log of sluice", ["tail", "-n", "60", balancerLog]),
            ("client", inside(.client, ["nstat", "-s", "Tcp*"])),
            ("endpoint", inside(.endpoint, ["nstat", "-s", "Tcp*"])),
        ]
        return questions.map { title, command in
            let answer = try? Command.runBlocking(command)
            return "── \(title)\n\(answer.map { $0.text + $0.errors } ?? "no answer")"
        }.joined(separator: "\n")
    }
}

extension Trait where Self == IssueHandlingTrait {
    /// Adds the state of the lab to every failed expectation.
    static var keepsEvidence: Self {
        .compactMapIssues { issue in
            var issue = issue
            if let lab = Lab.current { issue.comments.append(Comment(rawValue: lab.evidence)) }
            return issue
        }
    }
}

/// End-to-end tests, one at a time: each has the machine's cores for itself, but for what runs of
/// ``EndToEndBeside``.
@Suite(.serialized, .keepsEvidence, .timeLimit(.minutes(5))) enum EndToEnd {}

/// End-to-end tests that need one core at most, one at a time beside the others: all of them fit
/// into an hour.
@Suite(.serialized, .keepsEvidence, .timeLimit(.minutes(5))) enum EndToEndBeside {}
