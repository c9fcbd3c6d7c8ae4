// SPDX-License-Identifier: Apache-2.0

import Datapath
import Foundation
import Testing

@testable import ConnectionLogging

/// The page for people who run sluice says what each number and word means. Here, since this target
/// sees the counters and the words of the log.
@Suite struct `Operations page` {
    private static let book = "Sources/sluice/Documentation.docc"

    private func text(_ page: String) throws -> String {
        let project = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try String(
            contentsOf: project.appending(path: "\(Self.book)/\(page).md"), encoding: .utf8)
    }

    /// The cells of each row below a heading, down to the next one of its level, that begins with a
    /// name in backticks.
    private func rows(under heading: String) throws -> [[String]] {
        let level = heading.prefix { $0 == "#" }.count
        var isInside = false
        var rows: [[String]] = []
        for line in try text("Operations").split(separator: "\n") {
            let depth = line.prefix { $0 == "#" }.count
            if depth > 0, depth <= level { isInside = line == heading }
            guard isInside, line.hasPrefix("| `") else { continue }
            rows.append(
                line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) })
        }
        return rows
    }

    private static let lists: [(heading: String, names: [String])] = [
        (
            "## Counters",
            DatapathCounter.allCases.map(\.name)
                + DaemonCounter.allCases.map { "daemon_\($0.name)" }
        ),
        ("### End", ConnectionEnd.allCases.map(\.rawValue)),
        ("### Reasons to reject", RejectionReason.allCases.map(\.rawValue)),
        ("### Reasons to relay", RelayReason.allCases.map(\.rawValue)),
    ]

    @Test(arguments: lists)
    func `has a row for each name, and no other`(heading: String, names: [String]) throws {
        let found = try rows(under: heading).map { $0[0] }
        let known = names.map { "`\($0)`" }
        #expect(Set(known).subtracting(found).sorted() == [], "not in the page")
        #expect(Set(found).subtracting(known).sorted() == [], "in the page alone")
        #expect(found.count == Set(found).count, "twice")
    }

    @Test(arguments: ["## Counters", "## Metrics", "## Connection log"])
    func `says in each row what the name means`(heading: String) throws {
        for row in try rows(under: heading) { #expect(row.count > 1 && !row[1].isEmpty, "\(row)") }
    }

    /// Lines in which everything stands that may: of a splice, and of a relayed connection.
    private func fullLines() throws -> [[String: Any]] {
        let format = ConnectionFormat(names: ConnectionNames()) { _ in nil }
        var spliced = ConnectionRecord.whole
        spliced.facts.hasECH = true
        spliced.facts.attempts = 2
        spliced.facts.rejection = .full
        var relayed = spliced
        relayed.mode = .relayed(.noPort)
        return try [spliced, relayed].map { record in
            var line = JSONLine()
            format.append(record, to: &line)
            let object = try JSONSerialization.jsonObject(with: Data(line.bytes))
            return try #require(object as? [String: Any])
        }
    }

    @Test func `has a row for each field of the connection log, and no other`() throws {
        let lines = try fullLines()
        let found = try rows(under: "### Fields").map { $0[0] }
        #expect(Set(found) == Set(lines.flatMap(\.keys).map { "`\($0)`" }))
        #expect(found.count == Set(found).count)
    }

    @Test func `tells what both directions of a line have`() throws {
        let rows = try rows(under: "### Fields")
        let upstream = try #require(rows.first { $0[0] == "`upstream`" })
        for line in try fullLines() {
            let totals = try #require(line["upstream"] as? [String: Any])
            for name in totals.keys { #expect(upstream[1].contains("`\(name)`"), "\(name)") }
        }
    }

    @Test func `is linked`() throws {
        #expect(try text("Documentation").contains("<doc:Operations>"))
    }
}
