// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WireChecking

extension EndToEnd {
    /// DP-30: clients that send on while their flow is made.
    @Suite(.needsCapture) struct `Clients that do not wait` {
        /// 1,000, or 10,000 with `SLUICE_LARGE=1`.
        private static var count: Int {
            ProcessInfo.processInfo.environment["SLUICE_LARGE"] == "1" ? 10_000 : 1000
        }

        /// What Tests/Lab/stream.py reports; silences in milliseconds.
        private struct Report: Decodable {
            var good: Int
            var errors: [String: Int]
            var p50, p99, max: Double
        }

        private func stream(
            _ lab: Lab, to target: Target, count: Int = Self.count
        ) async throws -> Report {
            let line = [Checkout.stream, "--count", "\(count)", target.address]
            let output = try await lab.run(
                .client, line + ["\(target.port)", "echo.test"], limit: .seconds(200))
            return try JSONDecoder().decode(Report.self, from: Data(output.text.utf8))
        }

        @Test(arguments: Family.allCases)
        func `lose no byte, get none twice and wait for no time-out`(family: Family) async throws {
            try await withLab(direct: true) { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(.echo(family))
                let plain = try await stream(lab, to: .endpoint(family, Lab.echoPort))
                #expect(plain.good == Self.count, "\(plain)")
                let before = try await timeouts(lab)
                let ours = try await stream(lab, to: .listener(family))
                #expect(ours.good == Self.count && ours.errors.isEmpty, "\(ours)")
                // A silence of a retransmission time-out is one (200 ms in Linux).
                #expect(try await timeouts(lab) == before)
                #expect(try await lab.counter("daemon_relayed") == 0)
                print("\(family): longest silence of a handover \(ours), plain \(plain)")
            }
        }

        /// What the daemon sends on is what the client sent, translated as the datapath does.
        @Test(arguments: Family.allCases)
        func `are heard by the endpoint in their own words alone`(family: Family) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(.echo(family))
                let check = try await lab.whileCapturing {
                    let report = try await stream(lab, to: .listener(family), count: 200)
                    #expect(report.good == 200, "\(report)")
                }
                // Overtaken by what the client said later, as in any network that reorders.
                let faults = check.violations.filter { $0.kind != .timestampBack }
                #expect(faults.isEmpty, "\(check)")
                #expect(check.figures.flows == 200, "\(check)")
            }
        }

        private func timeouts(_ lab: Lab) async throws -> Int {
            try await lab.statistic("TcpExtTCPTimeouts", of: .client)
                + lab.statistic("TcpExtTCPTimeouts", of: .endpoint)
        }
    }
}
