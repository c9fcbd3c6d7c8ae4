// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Sequence numbers that wrap` {
        /// Segments that had to be sent again because they were missing. A sender that moves to
        /// another processor may overtake itself on veth, and sends again what the D-SACK then
        /// says it need not have (RFC 2883).
        private func lossesRepaired(_ lab: Lab) async throws -> Int {
            var sum = 0
            for role in [Lab.Role.client, .endpoint] {
                sum += try await lab.statistic("TcpRetransSegs", of: role)
                sum -= try await lab.statistic("TcpExtTCPDSACKRecvSegs", of: role)
            }
            return sum
        }

        /// The client's own number wraps at the SYN, within the hello, right behind it, and within
        /// what follows.
        @Test(arguments: Family.allCases)
        func `harm nothing wherever the client's does`(family: Family) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(.echo(family))
                for isn in [0xffff_ffff, 0xffff_ff00, 0xffff_fdfa, 0xffff_0000] {
                    let options = ["--isn", "\(isn)", "--bytes", "300000"]
                    let talk = try lab.startTalk(options, at: .listener(family))
                    try await talk.waitUntilOpen()
                    #expect(try await lab.flows("mode spliced and state established").count == 1)
                    try await talk.expectGood()
                    #expect(try await lossesRepaired(lab) == 0, "\(isn)")
                }
            }
        }

        /// More than 4 GiB each way: every sequence space goes round, whatever its start.
        @Test func `harm nothing in 4 GiB each way`() async throws {
            try await withLab { lab in
                try await lab.startAndWait(
                    .endpoint, [Checkout.bulk, "serve", "\(Lab.echoPort)"])
                _ = try await lab.startBalancer(.echo(.v4))
                let mebibytes = 4200
                let line = [Checkout.bulk, Family.v4.vip, "443", "echo.test", "\(mebibytes)"]
                let output = try await lab.run(.client, line, limit: .seconds(180))
                #expect(output.text == "\(mebibytes << 20)\n", "\(output)")
                #expect(try await lab.flows("mode spliced").count == 1)
                for role in [Lab.Role.client, .endpoint] {
                    #expect(try await lab.statistic("TcpInCsumErrors", of: role) == 0)
                }
            }
        }
    }
}
