// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Large transfers` {
        /// 16 MiB, or 1 GiB with `SLUICE_LARGE=1`.
        private static var mebibytes: Int {
            ProcessInfo.processInfo.environment["SLUICE_LARGE"] == "1" ? 1024 : 16
        }

        @Test(arguments: ["on", "off"], Family.allCases)
        func `arrive unharmed both ways`(offloads: String, family: Family) async throws {
            try await withLab { lab in
                try await lab.perform("offloads", offloads)
                try await lab.perform("file", "\(Self.mebibytes)")
                _ = try await lab.startBalancer(.kafka(family))
                try await exchange(lab, family, bytes: Self.mebibytes << 20)
                for role in [Lab.Role.client, .endpoint] {
                    #expect(try await lab.statistic("TcpInCsumErrors", of: role) == 0)
                }
            }
        }

        /// DP-11: what GRO or the sender's stack put together is not taken apart.
        @Test func `pass the hook as super-packets`() async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(.v4))
                let download = try lab.startDownload("/16.bin", from: .listener(.v4))
                #expect(try await download.wait().isSuccess)
                let row = try #require(try await lab.rows().first)
                // Acknowledgements come one by one; what else was translated is data.
                let data = try await lab.counter("translated") - row.upstream.packets
                #expect(row.downstream.bytes / max(data, 1) > 10 * 1448)
                // Each of their segments is counted all the same.
                #expect(row.downstream.packets > row.downstream.bytes / 1500)
            }
        }

        /// The kernel merges no clones of what a sender keeps for retransmissions: such a receiver
        /// acknowledges more often, and its window grows less (decision 0028).
        @Test(arguments: Family.allCases)
        func `reach their receivers as packets that can be merged`(family: Family) async throws {
            try await withLab { lab in
                try await lab.perform("file", "16")
                _ = try await lab.startBalancer(.kafka(family))
                for role in [Lab.Role.client, .endpoint] {
                    try await lab.perform("arrivals", role.rawValue)
                }
                try await exchange(lab, family, bytes: 16 << 20)
                for role in [Lab.Role.client, .endpoint] {
                    let seen = try await lab.arrivals(at: role)
                    #expect(seen.all > 100 && seen.clones == 0, "\(role): \(seen)")
                }
            }
        }

        @Test(arguments: Lab.Layout.allCases)
        func `run side by side`(layout: Lab.Layout) async throws {
            try await withLab(layout) { lab in
                _ = try await lab.startBalancer(.kafka(.v4))
                let hash = try await lab.hash(of: "16.bin")
                let downloads = try (0..<12).map { number in
                    let name = "kafka\(number % 3 + 1).server.test"
                    return try lab.startDownload("/16.bin", as: name, from: .listener(.v4))
                }
                for download in downloads {
                    let output = try await download.wait()
                    #expect(output.text.hasPrefix(hash), "\(output)")
                }
                #expect(try await lab.flows("mode spliced").count == 12)
            }
        }

        private func exchange(_ lab: Lab, _ family: Family, bytes: Int) async throws {
            let file = "\(bytes >> 20).bin"
            let hash = try await lab.hash(of: file)
            let target = Target.listener(family)
            let down = try await lab.startDownload("/" + file, from: target).wait(.seconds(120))
            #expect(down.text.hasPrefix(hash), "\(down)")
            let up = try await lab.startUpload(file, to: target).wait(.seconds(120))
            #expect(up.text == "\(hash) \(bytes)\n", "\(up)")
            #expect(try await lab.flows("mode spliced and bytes > \(bytes)").count == 2)
        }
    }
}
