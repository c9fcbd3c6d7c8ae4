// SPDX-License-Identifier: Apache-2.0
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Many connections` {
        @Test func `in sequence leave nothing behind`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(.v4))
                let target = Target.listener(.v4)
                _ = try await lab.fire("stub.test", at: target, options: ["-c", "2000"])
                let before = try balancer.residentKiB

                let volley = try await lab.fire("stub.test", at: target, options: ["-c", "50000"])
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
