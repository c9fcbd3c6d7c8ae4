// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `flowdump kill` {
        /// In the balancer's namespace: resets leave from there.
        private func kill(_ lab: Lab, _ words: String...) async throws -> Command.Output {
            try await lab.run(
                .balancer, [Checkout.flowdump, "kill", "--instance", lab.name] + words)
        }

        private func startDownloads(_ lab: Lab, _ family: Family) async throws -> [Command] {
            let downloads = try ["kafka1.server.test", "kafka2.server.test"].map {
                try lab.startDownload("/slow/16.bin", as: $0, from: .listener(family))
            }
            let haveBegun = try await isTrue(within: .seconds(10)) {
                try await lab.flows("state established and bytes > 500KiB").count == 2
            }
            #expect(haveBegun)
            return downloads
        }

        /// Whether the endpoint still has the connection. Of two endpoints both may have one from the
        /// same port of ours.
        private func endpointHas(_ lab: Lab, _ row: FlowRow) async throws -> Bool {
            let sockets = try await lab.run(.endpoint, ["ss", "-Htn", "state", "established"])
            return sockets.text.split(separator: "\n").contains {
                $0.contains(row.balancer) && $0.contains(row.endpoint)
            }
        }

        @Test(arguments: Family.allCases)
        func `resets both ends of what matches, and nothing else`(family: Family) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let hash = try await lab.hash(of: "16.bin")
                let downloads = try await startDownloads(lab, family)
                let row = try #require(try await lab.rows("sni kafka1.server.test").first)
                let dry = try await kill(lab, "--dry-run", "sni kafka1.server.test")
                #expect(dry.text == "would reset 1 connections\n", "\(dry)")
                #expect(try await endpointHas(lab, row))
                let killed = try await kill(lab, "sni kafka1.server.test")
                #expect(killed.text == "1 connections reset\n", "\(killed)")
                // curl's word for a reset is 56.
                let output = try await downloads[0].wait(.seconds(5))
                #expect(output.status == 56, "\(output)")
                let isGone = try await isTrue(within: .seconds(1)) {
                    try await !endpointHas(lab, row)
                }
                #expect(isGone)
                let isRemoved = try await isTrue(within: .seconds(3)) {
                    let left = try await lab.flows("sni kafka1.server.test").count
                    let ended = try await lab.counter("daemon_ended")
                    return left == 0 && ended == 1
                }
                #expect(isRemoved)
                #expect(try await downloads[1].wait().text.hasPrefix(hash))
            }
        }

        @Test func `leaves relayed ones alone, and fails where nothing else matches`() async throws
        {
            var configuration = Configuration.kafka(.v4)
            configuration.settings.append("splicing: off")
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                let hash = try await lab.hash(of: "16.bin")
                let download = try lab.startDownload(
                    "/slow/16.bin", as: "kafka1.server.test", from: .listener(.v4))
                let hasBegun = try await isTrue(within: .seconds(10)) {
                    try await !lab.flows("mode relayed").isEmpty
                }
                #expect(hasBegun)
                let relayed = try await kill(lab, "sni kafka1.server.test")
                #expect(relayed.status == 1, "\(relayed)")
                #expect(
                    relayed.text == "0 connections reset; 1 relayed ones are the daemon's\n",
                    "\(relayed)")
                let none = try await kill(lab, "sni kafka2.server.test")
                #expect(none.status == 0 && none.text == "0 connections reset\n", "\(none)")
                #expect(try await download.wait().text.hasPrefix(hash))
            }
        }

        /// Their numbers move on while the RSTs are on their way; nobody waits for more data for ever.
        @Test func `reaches both ends of connections that are busy`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(.v4))
                let downloads = try (0..<24).map { _ in
                    try lab.startDownload(
                        "/slow/16.bin", as: "kafka1.server.test", from: .listener(.v4))
                }
                let haveBegun = try await isTrue(within: .seconds(20)) {
                    try await lab.flows("state established and bytes > 200KiB").count == 24
                }
                #expect(haveBegun)
                // Nobody else resets what is left.
                balancer.command.send(SIGKILL)
                _ = try await balancer.command.wait()
                let killed = try await kill(lab, "sni kafka1.server.test")
                #expect(killed.text == "24 connections reset\n", "\(killed)")
                for download in downloads {
                    #expect(try await download.wait(.seconds(5)).status == 56)
                }
            }
        }

        @Test func `needs no daemon, and the next one removes what it left`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(.v4))
                let hash = try await lab.hash(of: "16.bin")
                let downloads = try await startDownloads(lab, .v4)
                balancer.command.send(SIGKILL)
                _ = try await balancer.command.wait()
                let killed = try await kill(lab, "sni kafka1.server.test")
                #expect(killed.text == "1 connections reset\n", "\(killed)")
                #expect(try await downloads[0].wait(.seconds(5)).status == 56)
                #expect(try await lab.rows("sni kafka1.server.test").map(\.state) == ["reset"])
                _ = try await lab.startBalancer(.kafka(.v4))
                let isRemoved = try await isTrue(within: .seconds(5)) {
                    try await lab.flows("sni kafka1.server.test").isEmpty
                }
                #expect(isRemoved)
                #expect(try await downloads[1].wait().text.hasPrefix(hash))
            }
        }
    }
}
