// SPDX-License-Identifier: Apache-2.0
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Rules` {
        /// The Kafka names, with rules besides.
        private func withRules(
            _ rules: [String], _ family: Family = .v4,
            _ body: @Sendable @escaping (Lab) async throws -> Void
        ) async throws {
            var configuration = Configuration.kafka(family)
            configuration.policy = ["rules:"] + rules.map { "  - " + $0 }
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                try await body(lab)
            }
        }

        /// Which endpoint answers to a name, whatever its certificate: `kafka1`.
        private func answer(
            _ name: String, _ lab: Lab, _ options: [String] = [], from role: Lab.Role = .client
        ) async throws -> String {
            let line = lab.curl(name, .listener(.v4), "/") + ["-k"] + options
            let output = try await lab.run(role, line)
            #expect(output.isSuccess, "\(output)")
            return String(output.text.prefix { $0 != "." && $0 != " " })
        }

        @Test func `send a protocol to an endpoint of its own, spliced and relayed`() async throws {
            try await withRules(["{sni: kafka1.server.test, alpn: http/1.1, to: kafka2}"]) {
                lab async throws in
                let name = "kafka1.server.test"
                for role in [Lab.Role.client, .balancer] {
                    #expect(try await answer(name, lab, ["--no-alpn"], from: role) == "kafka1")
                    #expect(try await answer(name, lab, ["--http1.1"], from: role) == "kafka2")
                }
                #expect(try await lab.flows("mode spliced").count == 2)
            }
        }

        @Test func `let the longest prefix of the source win`() async throws {
            let rules = [
                "{sni: kafka1.server.test, source: 198.51.100.0/24, to: kafka2}",
                "{sni: kafka1.server.test, source: [203.0.113.0/24, 198.51.100.10], to: kafka3}",
                "{sni: kafka2.server.test, source: 203.0.113.0/24, to: kafka3}",
            ]
            try await withRules(rules) { lab async throws in
                #expect(try await answer("kafka1.server.test", lab) == "kafka3")
                #expect(try await answer("kafka2.server.test", lab) == "kafka2")
                // The host's own client is of another source.
                let own = try await answer("kafka1.server.test", lab, from: .balancer)
                #expect(own == "kafka1")
            }
        }

        @Test func `derive the cluster from the name, if there is one`() async throws {
            let rules = ["{sni_regex: 'broker-(\\d+)\\.server\\.test', to: kafka$1}"]
            try await withRules(rules) { lab async throws in
                for number in 1...3 {
                    #expect(
                        try await answer("broker-\(number).server.test", lab) == "kafka\(number)")
                }
                let other = try await lab.greet("broker-4.server.test", at: .listener(.v4))
                #expect(other.errors.contains("unrecognized name"), "\(other)")
            }
        }

        @Test func `drop without an answer, and reject as each says`() async throws {
            let rules = [
                "{sni: gone.test, reject: drop}", "{sni: old.test, reject: reset}",
                "{source: 203.0.113.0/24, first: on, reject: drop}",
            ]
            try await withRules(rules) { lab async throws in
                let line = lab.curl("gone.test", .listener(.v4), "/") + ["-k", "--max-time", "2"]
                let dropped = try await lab.run(.client, line)
                #expect(dropped.status == 28, "\(dropped)")
                let reset = try await lab.greet("old.test", at: .listener(.v4))
                #expect(reset.status == 35 && reset.errors.contains("reset"), "\(reset)")
                #expect(try await answer("kafka1.server.test", lab) == "kafka1")
            }
        }

        @Test func `are explained as they then happen`() async throws {
            let rules = ["{sni: kafka1.server.test, alpn: http/1.1, to: kafka2}"]
            try await withRules(rules) { lab async throws in
                let output = try await lab.runBalancer(
                    "explain", "\(lab.state)/sluice.yaml", "--sni", "kafka1.server.test", "--alpn",
                    "h2,http/1.1", "--src", "198.51.100.10", "--listener", "tls")
                #expect(
                    output.text == """
                        listener  tls
                        rule      {sni: kafka1.server.test, alpn: http/1.1, to: kafka2}
                        cluster   kafka2 (round_robin)
                          10.0.0.10:9094 weight 1

                        """, "\(output)")
                #expect(try await answer("kafka1.server.test", lab) == "kafka2")
            }
        }

        @Test func `are explained with a choice where the client that it hangs on is named`()
            async throws
        {
            try await withLab { lab in
                var configuration = Configuration(addresses: ["192.0.2.1:443"])
                configuration.policy = ["default: hashed"]
                configuration.routes = [("a.test", "named")]
                for (name, key) in [("hashed", "source"), ("named", "sni")] {
                    let lines = ["balance: maglev", "hash_key: \(key)"]
                    let endpoints = ["endpoints: [10.0.0.10:9093, 10.0.0.10:9094]"]
                    configuration.clusters.append((name, lines + endpoints))
                }
                let file = try lab.write(configuration)
                for (arguments, isChosen) in [
                    ([], false), (["--src", "198.51.100.7"], true), (["--sni", "a.test"], true),
                ] {
                    let output = try await lab.run(
                        .balancer, [Checkout.sluice, "explain", file] + arguments,
                        limit: .seconds(20))
                    #expect(output.isSuccess, "\(output)")
                    #expect(output.text.contains("← this client's") == isChosen, "\(output)")
                }
            }
        }

        /// Where nobody reads them, neither names nor TLS count.
        @Test func `are explained as they happen with the listener's mode`() async throws {
            try await withLab { lab in
                var configuration = Configuration.echo(.v4)
                configuration.routes = []
                configuration.policy = [
                    "mode: tcp", "default: echo",
                    "rules: [{source: 192.0.2.0/24, tls: any, reject: alert}]",
                ]
                let file = try lab.write(configuration)
                for (arguments, expected) in [
                    (["--sni", "a.test"], "rule      default\ncluster   echo (round_robin)"),
                    (["--no-tls"], "rule      default\ncluster   echo (round_robin)"),
                    (["--src", "192.0.2.7"], "tls: any, reject: alert}\nreject    close"),
                ] {
                    let output = try await lab.run(
                        .balancer, [Checkout.sluice, "explain", file] + arguments,
                        limit: .seconds(20))
                    #expect(output.text.contains(expected), "\(output)")
                }
            }
        }
    }
}
