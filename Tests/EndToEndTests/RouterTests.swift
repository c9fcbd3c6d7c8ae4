// SPDX-License-Identifier: Apache-2.0
import Testing

extension EndToEnd {
    /// DP-19: errors of routers that know nothing of a flow's other side.
    @Suite(.needsBalancer) struct `Routers in the path` {
        /// Who sends, and which router's way onwards becomes narrow.
        enum Way: String, CaseIterable {
            case upload, download
        }

        @Test(arguments: Way.allCases, Family.allCases)
        func `that lower the MTU in a transfer are heard by the sender, which goes on`(
            way: Way, family: Family
        ) async throws {
            try await withLab(.routed) { lab in
                _ = try await lab.startBalancer(.kafka(family))
                try await lab.perform("pace", "4096")
                let hash = try await lab.hash(of: "16.bin")
                let transfer =
                    way == .upload
                    ? try lab.startUpload(
                        "16.bin", to: .listener(family), options: ["--limit-rate", "4M"])
                    : try lab.startDownload("/slow/16.bin", from: .listener(family))
                let hasBegun = try await isTrue(within: .seconds(10)) {
                    try await lab.flows("state established and bytes > 500KiB").count == 1
                }
                #expect(hasBegun)
                let (sender, router, device): (Lab.Role, Lab.Role, String) =
                    way == .upload
                    ? (.client, .east, "endpoint") : (.endpoint, .west, "client")
                let change = try await lab.run(
                    router, ["ip", "link", "set", device, "mtu", "1280"])
                #expect(change.isSuccess, "\(change)")
                let hasHeard = try await isTrue(within: .seconds(3)) {
                    let sockets = try await lab.run(
                        sender, ["ss", "-Htni", "state", "established"])
                    return sockets.text.contains("pmtu:1280")
                }
                #expect(hasHeard)
                #expect(try await lab.counter("icmp_translated") >= 1)
                #expect(try await lab.counter("drop_icmp_stale") == 0)
                #expect(try await transfer.wait().text.hasPrefix(hash))
                #expect(try await lab.rows().map(\.mode) == ["spliced"])
            }
        }
    }
}
