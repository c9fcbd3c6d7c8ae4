// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Silent clients` {
        /// What Tests/Lab/silent_clients.py reports: when the first and last were turned away.
        private struct Report: Decodable {
            var reset, closed: Int
            var left: [Int]
            var first, last: [Double]
        }

        private func configuration(timeout: String, limit: Int) -> Configuration {
            var configuration = Configuration.kafka(.v4)
            configuration.settings = ["limits:", "  half_classified: \(limit)"]
            configuration.policy = ["hello:", "  timeout: \(timeout)"]
            return configuration
        }

        /// Opens clients, runs `body` while they wait, and returns what became of them.
        private func hold(
            _ lab: Lab, count: Int, bytes: Int, seconds: Int,
            while body: () async throws -> Void = {}
        ) async throws -> Report {
            let line = [Checkout.silentClients, Family.v4.vip, "443"]
            let clients = try lab.start(.client, line + [count, bytes, seconds].map(String.init))
            let isOpen = await isTrue(within: .seconds(30)) {
                clients.printed.text.hasPrefix("open") || !clients.isRunning
            }
            #expect(isOpen)
            try await body()
            let output = try await clients.wait(.seconds(60))
            let end = Data((output.text.split(separator: "\n").last ?? "").utf8)
            guard let report = try? JSONDecoder().decode(Report.self, from: end) else {
                throw Command.Failure(description: "silent_clients.py: \(output)")
            }
            return report
        }

        /// With half a hello or with nothing, 10,000 clients cost less than 64 MiB in all.
        @Test(arguments: [0, 200])
        func `cost little and are turned away in time`(bytes: Int) async throws {
            let configuration = configuration(timeout: "5s", limit: 20_000)
            try await withLab { lab in
                let balancer = try await lab.startBalancer(configuration)
                _ = try await lab.fire("stub.test", at: .listener(.v4), options: ["-c", "100"])
                let before = try balancer.residentKiB
                let report = try await hold(lab, count: 10_000, bytes: bytes, seconds: 25) {
                    let now = try balancer.residentKiB
                    #expect(now - before < 64 << 10)
                }
                #expect(report.left.isEmpty, "\(report.left.count) are still there")
                #expect(report.reset + report.closed == 10_000)
                if bytes == 0 { #expect(report.reset == 10_000) }
                #expect(try #require(report.first.first) > 4.9, "\(report)")
                #expect(try balancer.residentPeakKiB - before < 64 << 10)
                let answer = try await lab.greet("kafka1.server.test", at: .listener(.v4))
                #expect(answer.isSuccess, "\(answer)")
            }
        }

        @Test func `make room for newer ones at the cap, oldest first`() async throws {
            let configuration = configuration(timeout: "60s", limit: 100)
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration)
                let report = try await hold(lab, count: 300, bytes: 200, seconds: 3) {
                    let answer = try await lab.greet("kafka1.server.test", at: .listener(.v4))
                    #expect(answer.isSuccess, "\(answer)")
                }
                #expect((90...100).contains(report.left.count), "\(report)")
                #expect(report.left.allSatisfy { $0 >= 150 }, "\(report)")
                // Each worker has its share of the cap, so the last ones are there for certain.
                #expect(report.left.suffix(45) == Array(255..<300), "\(report)")
                #expect(report.reset == 300 - report.left.count)
                // Published five times a second.
                let isCounted = try await isTrue(within: .seconds(5)) {
                    try await lab.counter("daemon_hello_evicted") == report.reset
                }
                #expect(isCounted)
            }
        }
    }
}
