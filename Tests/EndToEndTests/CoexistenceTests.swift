// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Foreign TC programs` {
        /// Ten packets that are not ours: connections to a port where nobody listens.
        private func expectCounting(_ lab: Lab, _ moment: String) async throws {
            let before = try await lab.foreignPackets
            for _ in 1...10 {
                let line = ["curl", "-s", "--max-time", "2", "http://198.51.100.1:81/"]
                let answer = try await lab.run(.client, line)
                #expect(answer.status == 7, "\(moment): the stack refuses")
            }
            let seen = try await lab.foreignPackets - before
            #expect(seen >= 10, "\(moment): \(seen) packets")
        }

        @Test(arguments: ["tcx", "clsact"], ["auto", "clsact"])
        func `keep counting through start, stop and kill`(
            foreign: String, attach: String
        ) async throws {
            var configuration = Configuration.kafka(.v4)
            if attach != "auto" { configuration.settings.append("attach: \(attach)") }
            try await withLab { [configuration] lab in
                try await lab.perform("foreign", foreign)
                let foreignAlone = try await lab.leftovers()
                try await expectCounting(lab, "before")
                for end in [SIGTERM, SIGKILL] {
                    let balancer = try await lab.startBalancer(configuration)
                    let answer = try await lab.greet("kafka1.server.test", at: .listener(.v4))
                    #expect(answer.isSuccess, "\(answer)")
                    try await expectCounting(lab, "while sluice runs")
                    balancer.command.send(end)
                    try await balancer.command.wait(.seconds(10))
                    try await expectCounting(lab, "after signal \(end)")
                }
                let unload = try await lab.runBalancer("unload", "--instance", lab.name)
                #expect(unload.isSuccess, "\(unload)")
                try await expectCounting(lab, "after unload")
                #expect(try await lab.leftovers() == foreignAlone)
            }
        }
    }

    @Suite(.needsBalancer) struct `Connections that only pass through the host` {
        /// NAT takes them on behind us: the host has their address, and no socket for them.
        @Test(arguments: Family.allCases)
        func `are left alone when it is their destination that the host changes`(
            family: Family
        ) async throws {
            let (words, port) = (family == .v4 ? "ip" : "ip6", 12345)
            let rules = """
                table \(words) forwarding {
                    chain before {
                        type nat hook prerouting priority dstnat
                        tcp dport \(port) dnat to \(family.join(family.endpoint, 9093))
                    }
                    chain after {
                        type nat hook postrouting priority srcnat
                        tcp dport 9093 masquerade to :20000-20100
                    }
                }
                """
            try await withLab(direct: true) { lab in
                let table = try await lab.run(.balancer, ["nft", "-f", "-"], input: rules)
                #expect(table.isSuccess, "\(table)")
                _ = try await lab.startBalancer(.echo(family))
                let line = lab.curl("kafka1.server.test", .listener(family), "/16.bin")
                let forwarded = line.map { $0.replacingOccurrences(of: ":443", with: ":\(port)") }
                let answer = try await lab.run(
                    .client, forwarded + ["--max-time", "5", "-o", "/dev/null"])
                #expect(answer.isSuccess, "\(answer)")
                #expect(try await lab.counter("drop_stray") == 0)
            }
        }

        /// The ports of their clients are those that splices come from: 10000 and up.
        @Test(arguments: Family.allCases)
        func `are left alone, whatever their ports`(family: Family) async throws {
            try await withLab(direct: true) { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let ours = try await lab.greet("kafka1.server.test", at: .listener(family))
                #expect(ours.isSuccess, "\(ours)")
                let port = try #require(
                    try await lab.rows().first?.balancer.split(separator: ":").last)
                #expect(try #require(Int(port)) < 10100)
                for _ in 1...20 {
                    let options = [
                        "--local-port", "10000-10100", "--max-time", "5", "-o", "/dev/null",
                    ]
                    let line = lab.curl("kafka1.server.test", .endpoint(family, 9093), "/16.bin")
                    let answer = try await lab.run(.client, line + options)
                    #expect(answer.isSuccess, "\(answer)")
                }
                #expect(try await lab.counter("drop_stray") == 0)
            }
        }
    }
}
