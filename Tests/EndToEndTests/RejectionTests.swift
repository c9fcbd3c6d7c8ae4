// SPDX-License-Identifier: Apache-2.0
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Rejection` {
        private func knock(
            _ policy: [String], _ body: @Sendable @escaping (Lab) async throws -> Void
        ) async throws {
            var configuration = Configuration.kafka(.v4)
            configuration.policy = policy
            try await withLab { [configuration] lab in
                let balancer = try await lab.startBalancer(configuration)
                try await body(lab)
                let answer = try await lab.greet("kafka1.server.test", at: .listener(.v4))
                #expect(answer.isSuccess, "afterwards: \(answer)")
                #expect(balancer.command.isRunning)
            }
        }

        @Test(arguments: [[], ["reject: alert"]])
        func `tells the client that the name is unrecognized`(policy: [String]) async throws {
            try await knock(policy) { lab in
                let answer = try await lab.greet(
                    "other.test", at: .listener(.v4), with: .openssl)
                #expect(answer.errors.contains("unrecognized name"), "\(answer)")
                let other = try await lab.greet("other.test", at: .listener(.v4), with: .gnutls)
                #expect(!other.isSuccess)
                #expect(other.description.contains("name"), "\(other)")
            }
        }

        @Test func `resets when told to`() async throws {
            try await knock(["reject: reset"]) { lab in
                let answer = try await lab.greet("other.test", at: .listener(.v4))
                #expect(answer.status == 35 && answer.errors.contains("reset"), "\(answer)")
            }
        }

        @Test func `closes when told to`() async throws {
            try await knock(["reject: close"]) { lab in
                let answer = try await lab.greet("other.test", at: .listener(.v4))
                #expect(answer.status == 35, "\(answer)")
                for sign in ["reset", "unrecognized name"] {
                    #expect(!answer.errors.contains(sign), "\(answer)")
                }
            }
        }

        @Test func `needs no time-out to see that bytes are not TLS`() async throws {
            try await knock([]) { lab in
                let line = ["curl", "-sS", "--max-time", "3", "http://192.0.2.1:443/"]
                let answer = try await lab.run(.client, line)
                #expect(!answer.isSuccess)
                #expect(answer.status != 28, "timed out")
            }
        }

        @Test func `ends hellos that grow beyond the limit`() async throws {
            try await knock([]) { lab in
                let line = [
                    Checkout.getByPython, Family.v4.vip, "443", "kafka1.server.test",
                    lab.authority, "/", "60000",
                ]
                let answer = try await lab.run(.client, line, limit: .seconds(40))
                #expect(!answer.isSuccess)
                #expect(!answer.errors.contains("timed out"), "\(answer)")
                let isCounted = try await isTrue(within: .seconds(2)) {
                    try await lab.counter("daemon_client_hello_too_large") == 1
                }
                #expect(isCounted)
            }
        }
    }
}
