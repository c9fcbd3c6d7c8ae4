// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEndBeside {
    /// Bytes of our own in front of the hello: nobody but us can repeat them.
    @Suite(.needsBalancer) struct `A PROXY header in front of the hello` {
        private static let name = "proxied.web.test"

        private func configuration(_ family: Family, _ version: String = "v2") -> Configuration {
            var configuration = Configuration(addresses: [family.join(family.vip, 443)])
            configuration.routes = [(Self.name, "proxied")]
            let endpoint = family.join(family.endpoint, 9098)
            configuration.clusters = [
                ("proxied", ["proxy_protocol: \(version)", "endpoints:", "  - \"\(endpoint)\""])
            ]
            return configuration
        }

        /// What the endpoint says of its client, and what it should.
        private func expectKnown(
            _ lab: Lab, _ family: Family, port: Int = 43210, from role: Lab.Role = .client
        ) async throws {
            let line = lab.curl(Self.name, .listener(family), "/client")
            let answer = try await lab.run(role, line + ["--local-port", "\(port)"])
            let address = role == .client ? family.client : family.vip
            #expect(answer.text == "\(address) \(port)\n", "\(answer)")
        }

        @Test(arguments: ["v1", "v2"], Family.allCases)
        func `tells the endpoint who its client is, and harms no byte`(
            version: String, family: Family
        ) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration(family, version))
                try await expectKnown(lab, family)
                let hash = try await lab.hash(of: "16.bin")
                let target = Target.listener(family)
                let down = try lab.startDownload("/16.bin", as: Self.name, from: target)
                let up = try lab.startUpload("16.bin", as: Self.name, to: target)
                #expect(try await down.wait().text.hasPrefix(hash))
                #expect(try await up.wait().text == "\(hash) 16777216\n")
                #expect(try await lab.rows().map(\.mode) == ["spliced", "spliced", "spliced"])
            }
        }

        /// Each case loses its packets on the way to or from the endpoint.
        @Test(arguments: LostPackets.all.filter { $0.side == .endpoint }, Family.allCases)
        func `is there again when the first packets are lost`(
            loss: LostPackets, family: Family
        ) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration(family))
                for count in 1...3 {
                    try await loss.arm(lab, count: count)
                    try await expectKnown(lab, family, port: 43210 + count)
                    let lost = Int(try await lab.perform("lost")) ?? 0
                    #expect((loss.isRepeated ? count : 1)...count ~= lost, "\(lost) were lost")
                    try await lab.perform("clear")
                }
            }
        }

        /// The client hears of it, and sends less at a time; the header it knows nothing of.
        @Test(arguments: Family.allCases)
        func `passes a path that is narrower than ours, and the hello behind it`(
            family: Family
        ) async throws {
            try await withLab(.routed) { lab in
                let narrow = try await lab.run(
                    .east, ["ip", "link", "set", "endpoint", "mtu", "1300"])
                #expect(narrow.isSuccess, "\(narrow)")
                _ = try await lab.startBalancer(configuration(family))
                // Longer than a packet.
                let protocols = (100..<300).map { "protocol-\($0)" }.joined(separator: ",")
                let answer = try await lab.run(
                    .client,
                    [
                        "openssl", "s_client", "-quiet", "-ign_eof", "-CAfile", lab.authority,
                        "-connect", Target.listener(family).joined, "-servername", Self.name,
                        "-alpn", protocols + ",http/1.1",
                    ], input: "GET /client HTTP/1.0\r\nHost: \(Self.name)\r\n\r\n",
                    limit: .seconds(15))
                #expect(answer.text.contains("\r\n\(family.client) "), "\(answer)")
                #expect(try await lab.counter("icmp_translated") >= 1)
            }
        }

        @Test(arguments: Family.allCases)
        func `bears 5 percent of loss`(family: Family) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration(family))
                try await lab.perform("loss", "5")
                let transfers = try lab.startMixedTransfers(
                    200, at: .listener(family), as: Self.name)
                let report = try await transfers.transfers()
                #expect(report.good == 200, "\(report)")
            }
        }

        @Test(arguments: Family.allCases)
        func `is sent by the relay as well`(family: Family) async throws {
            var configuration = configuration(family)
            configuration.settings.append("splicing: off")
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                try await expectKnown(lab, family)
                let hash = try await lab.hash(of: "16.bin")
                let up = try lab.startUpload("16.bin", as: Self.name, to: .listener(family))
                #expect(try await up.wait().text == "\(hash) 16777216\n")
                let areRelayed = try await isTrue(within: .seconds(3)) {
                    try await lab.counter("daemon_relayed") == 2
                }
                #expect(areRelayed)
                // By an ordinary listening socket.
                try await expectKnown(lab, family, port: 43211, from: .balancer)
            }
        }
    }
}
