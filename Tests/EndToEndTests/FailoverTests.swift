// SPDX-License-Identifier: Apache-2.0
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Failover` {
        /// A cluster whose first endpoint is `first` and whose second one works.
        private func configuration(_ family: Family, first: String) -> Configuration {
            var configuration = Configuration(addresses: [family.join(family.vip, 443)])
            configuration.routes = [("kafka1.server.test", "kafka1")]
            configuration.clusters = [
                (
                    "kafka1",
                    [
                        "connect_timeout: 300ms", "endpoints:", "  - \"\(first)\"",
                        "  - \"\(family.join(family.endpoint, 9093))\"",
                    ]
                )
            ]
            return configuration
        }

        private func expectSecond(
            _ family: Family, first: String, prepare: @Sendable (Lab) async throws -> Void
        ) async throws {
            let configuration = configuration(family, first: first)
            try await withLab { lab in
                try await prepare(lab)
                _ = try await lab.startBalancer(configuration)
                for _ in 1...4 {
                    let line =
                        lab.curl("kafka1.server.test", .listener(family), "/") + [
                            "--max-time", "5",
                        ]
                    let answer = try await lab.run(.client, line)
                    let place = "kafka1.server.test \(family.endpoint) 9093\n"
                    #expect(answer.text == place, "\(answer)")
                }
            }
        }

        @Test(arguments: Family.allCases)
        func `from a port that refuses`(family: Family) async throws {
            try await expectSecond(family, first: family.join(family.secondEndpoint, 9099)) { _ in }
        }

        @Test(arguments: Family.allCases)
        func `from an endpoint that is silent`(family: Family) async throws {
            let silent = family.join(family.secondEndpoint, 9093)
            try await expectSecond(family, first: silent) { lab in
                try await lab.perform("blackhole", "9093", family.secondEndpoint)
            }
        }

        @Test(arguments: Family.allCases)
        func `from an address where nobody lives`(family: Family) async throws {
            try await expectSecond(family, first: family.join(family.nobody, 9093)) { _ in }
        }

        @Test func `ends the connection when no endpoint answers`() async throws {
            var configuration = Configuration.kafka(.v4)
            configuration.route("down.test", to: "down", "10.0.0.10:9098", "10.0.0.11:9099")
            try await withLab { [configuration] lab in
                let balancer = try await lab.startBalancer(configuration)
                let line = lab.curl("down.test", .listener(.v4), "/") + ["--max-time", "15"]
                let answer = try await lab.run(.client, line)
                #expect(answer.status == 35, "not a time-out: \(answer)")
                #expect(balancer.command.isRunning)
            }
        }

        @Test func `spreads connections over endpoints that work`() async throws {
            var configuration = Configuration(addresses: ["192.0.2.1:443"])
            configuration.route(
                "kafka1.server.test", to: "pair", "10.0.0.10:9093", "10.0.0.11:9093")
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                var places: [String: Int] = [:]
                for _ in 1...8 {
                    let answer = try await lab.greet("kafka1.server.test", at: .listener(.v4))
                    places[answer.text, default: 0] += 1
                }
                #expect(places.values.sorted() == [4, 4], "\(places)")
            }
        }
    }
}
