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
