// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Many connections` {
        @Test func `in sequence leave nothing behind`() async throws {
            var configuration = Configuration.kafka(.v4)
            configuration.settings = []
            try await withLab { [configuration] lab in
                let balancer = try await lab.startBalancer(configuration)
                let target = Target.listener(.v4)
                // Longer than a closed flow lingers: the queues have the size that the rate asks for.
                _ = try await lab.fire("stub.test", at: target, options: ["-c", "20000"])
                let before = try balancer.residentKiB

                let running = Task {
                    try await lab.fire("stub.test", at: target, options: ["-c", "50000"])
                }
                for _ in 1...5 {
                    try await Task.sleep(for: .milliseconds(500))
                    try await expectEachPortOnce(lab)
                }
                let volley = try await running.value
                #expect(volley.connections == 50_000 && volley.failed == 0, "\(volley)")
                let flows = try await lab.flows("mode relayed").count
                #expect(flows == 0)

                let isEmpty = try await isTrue(within: .seconds(120)) {
                    try await lab.flows().isEmpty
                }
                #expect(isEmpty, "closed flows are swept")
                let growth = try balancer.residentKiB - before
                #expect(growth < 2048, "resident memory grew by \(growth) KiB")
            }
        }

        /// All go to one endpoint: a port that two flows have would tell their packets apart no more.
        private func expectEachPortOnce(_ lab: Lab) async throws {
            struct Row: Decodable { var balancer: String }
            let rows = try await lab.flows("sni stub.test").map { line in
                try JSONDecoder().decode(Row.self, from: Data(line.utf8))
            }
            #expect(!rows.isEmpty)
            #expect(Set(rows.map(\.balancer)).count == rows.count)
        }

        @Test func `at once cost the daemon no memory`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(.v4))
                let target = Target.listener(.v4)
                // Flows that stay: closed ones linger, which is as good as open ones here.
                _ = try await lab.fire(
                    "stub.test", at: target, options: ["-c", "5000", "-p", "50"])
                let before = try balancer.residentKiB
                let volley = try await lab.fire(
                    "stub.test", at: target, options: ["-c", "10000", "-p", "50"])
                #expect(volley.failed == 0, "\(volley)")
                #expect(try balancer.residentKiB - before < 2048)
            }
        }
    }
}
