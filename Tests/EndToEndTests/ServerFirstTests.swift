// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// Protocols in which the server speaks first, so that no hello ever comes.
    @Suite(.needsBalancer) struct `An endpoint that speaks first` {
        struct Report: Decodable {
            var good: Int
            var slowest: Double
            var greetings: [String]
            var errors: [String: Int]
        }

        private static let port = 9300

        private func configuration(
            _ family: Family, _ policy: [String], _ cluster: [String] = []
        ) -> Configuration {
            var configuration = Configuration(addresses: [family.join(family.vip, 443)])
            configuration.policy = ["default: mail"] + policy
            configuration.clusters = [
                (
                    "mail",
                    cluster + [
                        "endpoints:", "  - \"\(family.join(family.endpoint, Self.port))\"",
                    ]
                )
            ]
            return configuration
        }

        private static let modes = [["mode: tcp"], ["hello: {server_first_after: 200ms}"]]

        private func meet(
            _ lab: Lab, _ family: Family, from role: Lab.Role = .client, _ options: [String] = []
        ) async throws -> Report {
            let output = try await lab.run(
                role, [Checkout.greeting, "meet", family.vip, "443"] + options, limit: .seconds(170)
            )
            return try JSONDecoder().decode(Report.self, from: Data(output.text.utf8))
        }

        private func startServer(_ lab: Lab) async throws {
            try await lab.startAndWait(.endpoint, [Checkout.greeting, "serve", "\(Self.port)"])
        }

        @Test(arguments: modes, Family.allCases)
        func `is spliced to a client that says nothing`(
            policy: [String], family: Family
        ) async throws {
            try await withLab { lab in
                try await startServer(lab)
                _ = try await lab.startBalancer(configuration(family, policy))
                let report = try await meet(lab, family)
                #expect(report.good == 1, "\(report)")
                let wait = policy == Self.modes[0] ? 0.0 : 0.2
                #expect(wait...wait + 1.5 ~= report.slowest, "\(report)")
                #expect(try await lab.rows().map(\.mode) == ["spliced"])
                let many = try await meet(lab, family, ["--count", "200"])
                #expect(many.good == 200, "\(many)")
                #expect(try await lab.counter("daemon_relayed") == 0)
                #expect(try await lab.counter("hello_lost") == 0)
                // From an ordinary listening socket.
                let local = try await meet(lab, family, from: .balancer)
                #expect(local.good == 1, "\(local)")
            }
        }

        /// Whatever is lost, also the client's one and only ACK.
        /// The modes take turns: both meet each kind of packet.
        @Test(
            arguments: LostPackets.all.filter { $0.kind != "second" }.enumerated().map {
                ($1, modes[$0 % modes.count])
            })
        func `is reached when the first packets are lost`(
            loss: LostPackets, policy: [String]
        ) async throws {
            try await withLab { lab in
                try await startServer(lab)
                _ = try await lab.startBalancer(configuration(.v4, policy))
                try await loss.arm(lab, count: 1)
                let report = try await meet(lab, .v4)
                #expect(report.good == 1, "\(report)")
            }
        }

        @Test(arguments: modes)
        func `bears 5 percent of loss`(policy: [String]) async throws {
            try await withLab { lab in
                try await startServer(lab)
                _ = try await lab.startBalancer(configuration(.v4, policy))
                try await lab.perform("loss", "5")
                let report = try await meet(
                    lab, .v4, ["--count", "150", "--parallel", "50", "--limit", "120"])
                #expect(report.good == 150, "\(report)")
            }
        }

        /// Nobody but the daemon could repeat the header of a flow whose client says nothing.
        @Test(arguments: modes)
        func `is relayed to when it is told who the client is`(policy: [String]) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(
                    configuration(.v4, policy, ["proxy_protocol: v1"]))
                // It sends back what it gets: the header first, which is longer than a greeting.
                try await startServer(lab)
                let script = "exec 3<>/dev/tcp/\(Family.v4.vip)/443; head -n 2 <&3; sleep 30"
                let command = try lab.start(.client, ["bash", "-c", script])
                let isGreeted = await isTrue(within: .seconds(5)) {
                    command.printed.text.contains("PROXY TCP4 \(Family.v4.client) ")
                }
                #expect(isGreeted, "\(command.printed)")
                #expect(try await lab.rows().map(\.relayReason) == ["server-first"])
            }
        }

        /// A client that speaks first is served by such a listener as well.
        @Test(arguments: modes, Family.allCases)
        func `does not keep a client from speaking first`(
            policy: [String], family: Family
        ) async throws {
            var configuration = configuration(family, policy)
            configuration.clusters[0].lines = [
                "endpoints:", "  - \"\(family.join(family.endpoint, 9096))\"",
            ]
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                let target = Target.listener(family)
                for client in TLSClient.allCases {
                    let answer = try await lab.greet("a.web.test", at: target, with: client)
                    #expect(answer.text.contains("web "), "\(client): \(answer)")
                }
                let hash = try await lab.hash(of: "16.bin")
                let up = try lab.startUpload("16.bin", as: "a.web.test", to: target)
                #expect(try await up.wait().text == "\(hash) 16777216\n")
                #expect(try await lab.counter("daemon_relayed") == 0)
            }
        }

        /// With `mode: tcp` nobody looks for a name; else a client that speaks is routed by it.
        @Test func `gets those whose hello says something else, only without a name to look for`()
            async throws
        {
            var configuration = configuration(.v4, ["hello: {server_first_after: 200ms}"])
            configuration.route("kafka1.server.test", to: "kafka1", "10.0.0.10:9093")
            try await withLab { [configuration] lab in
                try await startServer(lab)
                _ = try await lab.startBalancer(configuration)
                let answer = try await lab.greet("kafka1.server.test", at: .listener(.v4))
                #expect(answer.text.hasPrefix("kafka1"), "\(answer)")
                let report = try await meet(lab, .v4)
                #expect(report.good == 1, "\(report)")
            }
        }
    }
}
