// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// Real endpoints that read what a PROXY header tells beside addresses.
    @Suite(.needsHAProxy) struct `TLVs in a PROXY header` {
        private static let name = "proxied.web.test"
        /// Where HAProxy reads the header and leaves TLS to the nginx beside it.
        private static let passingPort = 9201
        private static let tlvs =
            "proxy_tlvs: [authority, alpn, unique_id, \"0xe4=blue\", crc32c]"

        /// An HAProxy that says what it was told, and serves the rest from the nginx beside it. It checks
        /// the header's CRC32C, and closes when that is wrong.
        private func startHAProxy(_ lab: Lab) async throws -> Command {
            let file = "\(lab.state)/haproxy.cfg"
            let certificate = "\(lab.state)/haproxy.pem"
            let told = "%[fc_pp_authority] %[fc_pp_unique_id] %[src] %[src_port]"
            try """
            global
                log stdout format raw local0
            defaults
                mode http
                timeout client 60s
                timeout server 60s
                timeout connect 5s
            frontend told
                bind :9200 accept-proxy ssl crt \(certificate)
                bind :::9200 v6only accept-proxy ssl crt \(certificate)
                log global
                log-format "told %[fc_pp_authority] %[fc_pp_unique_id]"
                http-request return status 200 content-type text/plain lf-string "\(told)" if { path /told }
                default_backend files
            backend files
                server nginx 127.0.0.1:9096 ssl verify none
            listen passed
                mode tcp
                bind :\(Self.passingPort) accept-proxy
                server nginx 127.0.0.1:9096

            """.write(toFile: file, atomically: true, encoding: .utf8)
            let pair = "\(lab.state)/certificates/wildcard.web.test"
            let script = "cat \(pair).pem \(pair).key >\(certificate)"
            let bundle = try await Command.run(["bash", "-c", script])
            #expect(bundle.isSuccess, "\(bundle)")
            let haproxy = try lab.start(.endpoint, ["haproxy", "-db", "-f", file])
            let isListening = await isTrue(within: .seconds(10)) {
                (try? await lab.run(.endpoint, ["ss", "-Htln", "sport = :9200"]))?.text.isEmpty
                    == false
            }
            #expect(isListening, "\(haproxy.printed)")
            return haproxy
        }

        private func configuration(_ family: Family, port: Int = 9200) -> Configuration {
            var configuration = Configuration(addresses: [family.join(family.vip, 443)])
            configuration.routes = [(Self.name, "proxied")]
            configuration.clusters = [
                (
                    "proxied",
                    [
                        "proxy_protocol: v2", Self.tlvs, "endpoints:",
                        "  - \"\(family.join(family.endpoint, port))\"",
                    ]
                )
            ]
            return configuration
        }

        /// The identity that the endpoint was told of a client at a port of its own.
        private func identity(_ lab: Lab, _ family: Family, port: Int) async throws -> String {
            let line = lab.curl(Self.name, .listener(family), "/told")
            let answer = try await lab.run(.client, line + ["--local-port", "\(port)"])
            let words = answer.text.split { $0.isWhitespace }.map(String.init)
            guard words.count == 4 else {
                throw Command.Failure(description: "not told: \(answer)")
            }
            #expect(words[0] == Self.name && words[2] == family.client && words[3] == "\(port)")
            #expect(words[1].count == 32 && words[1].allSatisfy(\.isHexDigit), "\(words)")
            return words[1]
        }

        @Test(arguments: Family.allCases)
        func `tell HAProxy the SNI and what names the connection`(family: Family) async throws {
            try await withLab { lab in
                let haproxy = try await startHAProxy(lab)
                _ = try await lab.startBalancer(configuration(family))
                let first = try await identity(lab, family, port: 43210)
                let second = try await identity(lab, family, port: 43211)
                #expect(first != second)
                // As flowdump lists them.
                let rows = try await lab.rows()
                #expect(rows.map(\.mode) == ["spliced", "spliced"])
                let created = Set(rows.map(\.createdNs))
                let told = [first, second].compactMap { Int($0.prefix(16), radix: 16) }
                #expect(created == Set(told))
                let log = haproxy.printed.text
                #expect(log.contains("told \(Self.name) \(first)"), "\(log)")
                #expect(log.contains("told \(Self.name) \(second)"), "\(log)")
                let hash = try await lab.hash(of: "16.bin")
                let target = Target.listener(family)
                let down = try lab.startDownload("/16.bin", as: Self.name, from: target)
                let up = try lab.startUpload("16.bin", as: Self.name, to: target)
                #expect(try await down.wait().text.hasPrefix(hash))
                #expect(try await up.wait().text == "\(hash) 16777216\n")
            }
        }

        /// Each case loses its packets on the way to or from the endpoint.
        @Test(arguments: LostPackets.all.filter { $0.side == .endpoint && $0.isRepeated })
        func `are the same when the first packets are lost`(loss: LostPackets) async throws {
            try await withLab { lab in
                _ = try await startHAProxy(lab)
                _ = try await lab.startBalancer(configuration(.v4))
                for count in 1...2 {
                    // Any port: nginx behind HAProxy is on the loopback.
                    try await loss.arm(lab, count: count)
                    _ = try await identity(lab, .v4, port: 43210 + count)
                    #expect(Int(try await lab.perform("lost")) == count)
                    try await lab.perform("clear")
                }
                #expect(try await lab.counter("daemon_relayed") == 0)
            }
        }

        /// Not by HAProxy's HTTP: under loss, HAProxy 2.6 forgets the last bytes of one answer in some
        /// thousands, without a balancer too (its socket acknowledged to the last byte, nothing queued).
        @Test(arguments: [passingPort, 9098])
        func `bear 5 percent of loss, before HAProxy as before nginx`(port: Int) async throws {
            try await withLab { lab in
                _ = try await startHAProxy(lab)
                _ = try await lab.startBalancer(configuration(.v4, port: port))
                try await lab.perform("loss", "5")
                let transfers = try lab.startMixedTransfers(
                    100, at: .listener(.v4), as: Self.name)
                let report = try await transfers.transfers()
                #expect(report.good == 100, "\(report)")
                let relayed = try await lab.rows("mode relayed")
                #expect(relayed.isEmpty, "\(relayed)")
            }
        }

        @Test func `are told by the relay as well`() async throws {
            var configuration = configuration(.v4)
            configuration.settings.append("splicing: off")
            try await withLab { [configuration] lab in
                _ = try await startHAProxy(lab)
                _ = try await lab.startBalancer(configuration)
                let first = try await identity(lab, .v4, port: 43210)
                #expect(try await identity(lab, .v4, port: 43211) != first)
                // From an ordinary listening socket.
                let line = lab.curl(Self.name, .listener(.v4), "/told")
                let local = try await lab.run(.balancer, line)
                #expect(local.text.hasPrefix("\(Self.name) "), "\(local)")
            }
        }
    }
}
