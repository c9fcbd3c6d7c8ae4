// SPDX-License-Identifier: Apache-2.0
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Packet loss` {
        @Test func `of 2 percent fails no more connections than it does on a plain way`()
            async throws
        {
            try await withLab(direct: true) { lab in
                _ = try await lab.startBalancer(.kafka(.v4))
                try await lab.perform("loss", "2")
                let options = ["-c", "500", "-p", "25", "-t", "60"]
                let plain = try await lab.fire(
                    "stub.test", at: .endpoint(.v4, 9443), options: options)
                let ours = try await lab.fire("stub.test", at: .listener(.v4), options: options)
                #expect(ours.connections == 500)
                #expect(ours.failed <= plain.failed, "ours: \(ours), plain: \(plain)")
            }
        }

        /// OB-03: what the ends count, and what was sent again apart from it.
        @Test(arguments: Family.allCases)
        func `leaves every byte counted once`(family: Family) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(.echo(family))
                // Hundreds of small packets, not a few super-packets: some are lost behind the
                // datapath, which then sees them twice.
                try await lab.perform("offloads", "off")
                try await lab.perform("loss", "10")
                let talk = try lab.startTalk(["--bytes", "1000000"], at: .listener(family))
                try await talk.waitUntilOpen(.seconds(60))
                let isSettled = try await isTrue(within: .seconds(10)) {
                    let before = try await lab.rows()
                    try await Task.sleep(for: .seconds(1))
                    return try await lab.rows().map(\.upstream.packets)
                        == before.map(\.upstream.packets)
                }
                #expect(isSettled)
                let row = try #require(try await lab.rows().first)
                let socket = try await lab.run(.client, ["ss", "-Htni", "state", "established"])
                // Of the SYN, which is acknowledged like a byte.
                #expect(try number("bytes_acked", socket.text) - 1 == row.upstream.bytes)
                #expect(try number("bytes_received", socket.text) == row.downstream.bytes)
                #expect(row.upstream.bytes > 1_000_000)
                #expect(row.upstream.retransmittedBytes + row.downstream.retransmittedBytes > 0)
            }
        }

        private func number(_ name: String, _ text: String) throws -> Int {
            let word = text.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("\(name):") }
            return try #require(word.flatMap { Int($0.dropFirst(name.count + 1)) })
        }

        @Test(arguments: Family.allCases)
        func `of 2 percent harms no byte of a transfer`(family: Family) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(family))
                try await lab.perform("loss", "2")
                let hash = try await lab.hash(of: "16.bin")
                let down = try lab.startDownload("/16.bin", from: .listener(family))
                let up = try lab.startUpload("16.bin", to: .listener(family))
                #expect(try await down.wait(.seconds(120)).text.hasPrefix(hash))
                #expect(try await up.wait(.seconds(120)).text == "\(hash) 16777216\n")
            }
        }
    }
}
