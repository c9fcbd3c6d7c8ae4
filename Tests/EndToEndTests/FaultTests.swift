// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Faults at the start` {
        /// Starts `sluice`, expects it to end with `status`, one sentence that has `words` in it, and
        /// nothing left behind.
        private func expectFailure(
            _ status: Int32, _ words: [String], options: [String] = [],
            configuration: Configuration = .kafka(.v4),
            prepare: @Sendable (Lab) async throws -> Void = { _ in }
        ) async throws {
            try await withLab { lab in
                try await prepare(lab)
                let file = try lab.write(configuration)
                let line = [Checkout.sluice, "--config", file] + options
                let output = try await lab.run(.balancer, line, limit: .seconds(20))
                #expect(output.status == status, "\(output)")
                for word in words { #expect(output.errors.contains(word), "\(output)") }
                #expect(output.errors.split(separator: "\n").count <= 4, "\(output)")
                let leftovers = try await lab.leftovers()
                #expect(leftovers.isEmpty)
            }
        }

        @Test func `an interface that does not exist`() async throws {
            try await expectFailure(1, ["9999"], options: ["--ifindex", "9999"])
            try await expectFailure(1, ["eth77"], options: ["--ifindex", "eth77"])
        }

        @Test func `no configuration`() async throws {
            try await withLab { lab in
                let output = try await lab.runBalancer("--config", "/nowhere/sluice.yaml")
                #expect(output.status == 2 && output.errors.contains("/nowhere/sluice.yaml"))
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        @Test func `a key that nobody knows`() async throws {
            var configuration = Configuration.kafka(.v4)
            configuration.settings.append("interfcae: eth0")
            try await expectFailure(2, ["interfcae", "sluice.yaml:"], configuration: configuration)
        }

        @Test func `an address that is not ours`() async throws {
            var configuration = Configuration.kafka(.v4)
            configuration.addresses = ["203.0.113.9:443"]
            try await expectFailure(1, ["203.0.113.9"], configuration: configuration)
        }

        @Test func `a port that is in use`() async throws {
            try await expectFailure(1, ["192.0.2.1:443"]) { lab in
                _ = try lab.start(
                    .balancer, ["python3", "-m", "http.server", "--bind", "192.0.2.1", "443"])
                let isTaken = try await isTrue(within: .seconds(3)) {
                    let line = ["ss", "-Htln", "sport = :443"]
                    return try await !lab.run(.balancer, line).text.isEmpty
                }
                #expect(isTaken)
            }
        }
    }
}
