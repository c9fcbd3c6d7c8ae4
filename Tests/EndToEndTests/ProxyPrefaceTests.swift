// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEndBeside {
    /// PROXY headers that come in front of clients' hellos, from trusted addresses.
    @Suite(.needsBalancer) struct `A PROXY header of the client` {
        private static let name = "proxied.web.test"

        /// `told`: what the endpoint is told in its turn.
        private func configuration(
            _ family: Family, told version: String, trusted: String? = nil
        ) -> Configuration {
            var configuration = Configuration(addresses: [family.join(family.vip, 443)])
            configuration.policy = ["accept_proxy: [\"\(trusted ?? family.client)\"]"]
            configuration.routes = [(Self.name, "web")]
            let port = version == "off" ? 9096 : 9098
            configuration.clusters = [
                (
                    "web",
                    [
                        // The relay has no second try where there is no second endpoint.
                        "connect_timeout: 10s", "proxy_protocol: \(version)", "endpoints:",
                        "  - \"\(family.join(family.endpoint, port))\"",
                    ]
                )
            ]
            return configuration
        }

        private func get(
            _ lab: Lab, _ family: Family, _ header: String, manner: String = "together",
            path: String = "/client", options: [String] = []
        ) async throws -> Command.Output {
            try await lab.run(
                .client,
                [
                    Checkout.preface, family.vip, "443", Self.name, lab.authority, path, header,
                    "--manner", manner,
                ] + options, limit: .seconds(150))
        }

        private func expectCounts(_ lab: Lab, spliced: Int, relayed: Int) async throws {
            let areCounted = try await isTrue(within: .seconds(3)) {
                let established = try await lab.counter("daemon_established")
                let given = try await lab.counter("daemon_relayed")
                return established == spliced && given == relayed
            }
            #expect(areCounted)
        }

        private func named(_ family: Family) -> String {
            family == .v4 ? "203.0.113.9 4321\n" : "2001:db8:9::9 4321\n"
        }

        @Test(arguments: [
            ("v1", Family.v4, "v2"), ("v1", .v6, "v1"), ("v2", .v6, "v1"), ("tlvs", .v4, "v2"),
        ])
        func `names the client that the endpoint is told`(
            header: String, family: Family, version: String
        ) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration(family, told: version))
                for manner in ["together", "apart", "crumbs"] {
                    let answer = try await get(lab, family, header, manner: manner)
                    #expect(answer.text == named(family), "\(manner): \(answer)")
                }
                let hash = try await lab.hash(of: "16.bin")
                let answer = try await get(lab, family, header, path: "/16.bin")
                #expect(answer.text == hash + "\n", "\(answer)")
                // Shorter for the endpoint than of the client, where it cannot be filled up.
                let isShorter =
                    version == "v1" && (header == "tlvs" || header == "v2" && family == .v6)
                try await expectCounts(
                    lab, spliced: isShorter ? 0 : 3, relayed: isShorter ? 4 : 1)
            }
        }

        @Test(arguments: [("v1", Family.v4), ("tlvs", .v6), ("local", .v4)])
        func `is cut off where the endpoint wants none`(
            header: String, family: Family
        ) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration(family, told: "off"))
                for manner in ["together", "apart", "crumbs"] {
                    let answer = try await get(lab, family, header, manner: manner, path: "/")
                    #expect(answer.text.hasPrefix("web "), "\(manner): \(answer)")
                }
                let hash = try await lab.hash(of: "16.bin")
                let answer = try await get(lab, family, header, path: "/16.bin")
                #expect(answer.text == hash + "\n", "\(answer)")
                // The one in crumbs.
                try await expectCounts(lab, spliced: 3, relayed: 1)
            }
        }

        @Test(arguments: ["local", "unknown"])
        func `that names nobody leaves the client as it is`(header: String) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration(.v4, told: "v2"))
                let answer = try await get(lab, .v4, header)
                #expect(answer.text.hasPrefix("\(Family.v4.client) "), "\(answer)")
            }
        }

        /// Each case loses its packets on one of both sides.
        @Test(
            arguments: LostPackets.all.filter { ["syn-ack", "data"].contains($0.kind) },
            ["off", "v2"])
        func `is right when the first packets are lost`(
            loss: LostPackets, version: String
        ) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration(.v4, told: version))
                for (count, header) in [(1, "v2"), (2, "v1"), (2, "v2")] {
                    try await loss.arm(lab, count: count)
                    let path = version == "off" ? "/" : "/client"
                    let answer = try await get(lab, .v4, header, path: path)
                    #expect(
                        version == "off"
                            ? answer.text.hasPrefix("web ") : answer.text == named(.v4),
                        "\(header): \(answer)")
                    try await lab.perform("clear")
                }
            }
        }

        @Test(arguments: [
            ("off", "v2"), ("v1", "v1"), ("v1", "tlvs"), ("v2", "tlvs"),
        ])
        func `bears 5 percent of loss`(version: String, header: String) async throws {
            struct Report: Decodable {
                var answers, errors: [String: Int]
            }
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration(.v4, told: version))
                try await lab.perform("loss", "5")
                for manner in ["together", "apart"] {
                    let output = try await get(
                        lab, .v4, header, manner: manner,
                        path: version == "off" ? "/1KiB.bin" : "/client",
                        options: ["--count", "100"])
                    let report = try JSONDecoder().decode(
                        Report.self, from: Data(output.text.utf8))
                    #expect(report.errors.isEmpty && report.answers.count == 1, "\(report)")
                    if version != "off" {
                        #expect(report.answers[String(named(.v4).dropLast())] == 100)
                    }
                }
            }
        }

        @Test func `is payload when it comes from anybody else`() async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(
                    configuration(.v4, told: "v2", trusted: "203.0.113.0/24"))
                for (header, manner) in [("v1", "together"), ("v2", "together"), ("v2", "crumbs")] {
                    let answer = try await get(lab, .v4, header, manner: manner)
                    #expect(!answer.isSuccess, "\(header): \(answer)")
                }
                // It is asked for no header either.
                let plain = try await get(lab, .v4, "none")
                #expect(plain.text.hasPrefix("\(Family.v4.client) "), "\(plain)")
                let areCounted = try await isTrue(within: .seconds(3)) {
                    try await lab.counter("daemon_rejected") == 3
                }
                #expect(areCounted)
                #expect(try await lab.counter("daemon_proxy_header_rejected") == 0)
            }
        }

        @Test func `is refused and counted when it is malformed or missing`() async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration(.v4, told: "v2"))
                // A third version; addresses of 11 bytes; a wrong checksum.
                let signature = "0d0a0d0a000d0a515549540a"
                let zeros = String(repeating: "00", count: 11)
                let headers = [
                    "none", signature + "31110000", signature + "2111000b" + zeros,
                    signature + "21110013" + zeros + "00" + "03000401020304",
                ]
                for header in headers {
                    let answer = try await get(lab, .v4, header)
                    #expect(!answer.isSuccess, "\(header): \(answer)")
                }
                // One that the relay reads.
                let trickled = try await get(lab, .v4, headers[3], manner: "crumbs")
                #expect(!trickled.isSuccess, "\(trickled)")
                let areCounted = try await isTrue(within: .seconds(3)) {
                    try await lab.counter("daemon_proxy_header_rejected") == headers.count + 1
                }
                #expect(areCounted)
                let good = try await get(lab, .v4, "v2")
                #expect(good.text == named(.v4), "\(good)")
            }
        }

        /// By whom it names, not by who sent it.
        @Test func `decides over rules by source`() async throws {
            var configuration = configuration(.v4, told: "v2")
            configuration.policy += [
                "rules:", "  - {source: 203.0.113.0/24, tls: any, first: on, reject: reset}",
            ]
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                let named = try await get(lab, .v4, "v1")
                #expect(!named.isSuccess, "\(named)")
                let own = try await get(lab, .v4, "local")
                #expect(own.text.hasPrefix("\(Family.v4.client) "), "\(own)")
            }
        }
    }
}
