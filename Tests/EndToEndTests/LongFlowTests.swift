// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WireChecking

/// Beside the other suites, which have less time.
@Suite(.serialized, .keepsEvidence, .needsCapture)
struct `A flow of ten minutes` {
    private static let isWanted = ProcessInfo.processInfo.environment["SLUICE_LARGE"] == "1"

    /// DP-08: TSval never goes back, TSecr is what the peer said, and no PAWS check drops a segment.
    @Test(.enabled(if: isWanted, "takes ten minutes: set SLUICE_LARGE=1"), .timeLimit(.minutes(15)))
    func `keeps its timestamps in order`() async throws {
        try await withLab { lab in
            try await lab.startEcho()
            _ = try await lab.startBalancer(.echo(.v4))
            let check = try await lab.whileCapturing {
                let talk = try lab.startTalk(
                    ["--count", "4", "--steady", "--pause", "0.1", "--limit", "700"],
                    at: .listener(.v4))
                try await talk.waitUntilOpen()
                try await Task.sleep(for: .seconds(600))
                try await talk.expectGood(4)
            }
            #expect(check.violations.isEmpty, "\(check)")
            #expect(check.figures.flows == 4 && check.figures.timestamps > 20_000, "\(check)")
            for role in [Lab.Role.client, .endpoint] {
                #expect(try await lab.statistic("TcpExtPAWSEstab", of: role) == 0)
            }
        }
    }
}
