// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WireChecking

extension EndToEnd {
    /// Every packet of both wires, against each other.
    @Suite(.needsCapture) struct `On both wires` {
        /// Each way; of 1 MiB, or of 16 with `SLUICE_LARGE=1`.
        private static let transfers = 8
        private static var mebibytes: Int {
            ProcessInfo.processInfo.environment["SLUICE_LARGE"] == "1" ? 16 : 1
        }

        private func transfer(_ lab: Lab, _ family: Family) async throws {
            let file = "\(Self.mebibytes).bin"
            let hash = try await lab.hash(of: file)
            let target = Target.listener(family)
            let downloads = try (0..<Self.transfers).map { number in
                let name = "kafka\(number % 3 + 1).server.test"
                return try lab.startDownload("/" + file, as: name, from: target)
            }
            let uploads = try (0..<Self.transfers).map { _ in
                try lab.startUpload(file, to: target)
            }
            for transfer in downloads + uploads {
                #expect(try await transfer.wait(.seconds(120)).text.hasPrefix(hash))
            }
        }

        @Test(arguments: ["on", "off"], Family.allCases)
        func `nothing leaves that did not arrive, at 2 percent of loss`(
            offloads: String, family: Family
        ) async throws {
            try await withLab { lab in
                try await lab.perform("offloads", offloads)
                try await lab.perform("file", "\(Self.mebibytes)")
                _ = try await lab.startBalancer(.kafka(family))
                try await lab.perform("loss", "2")
                let check = try await lab.whileCapturing { try await transfer(lab, family) }
                #expect(check.violations.isEmpty, "\(check)")
                let figures = check.figures
                #expect(figures.flows == 2 * Self.transfers && figures.unpaired == 0, "\(check)")
                #expect(figures.sacks > 0 && figures.retransmissions > 0, "\(check)")
                #expect(figures.timestamps > 1000 && figures.rescaledWindows > 0, "\(check)")
                let bytes = Self.transfers * Self.mebibytes << 20
                #expect(figures.upstreamBytes > bytes && figures.downstreamBytes > bytes)
                #expect((figures.superPackets > 0) == (offloads == "on"), "\(check)")
            }
        }

        /// Client and endpoint behind one interface: addresses alone tell the wires apart.
        @Test(arguments: Family.allCases)
        func `nothing leaves that did not arrive, on one interface`(family: Family) async throws {
            try await withLab(.oneArm) { lab in
                try await lab.perform("file", "\(Self.mebibytes)")
                _ = try await lab.startBalancer(.kafka(family))
                try await lab.perform("loss", "2")
                let check = try await lab.whileCapturing { try await transfer(lab, family) }
                #expect(check.violations.isEmpty, "\(check)")
                #expect(check.figures.flows == 2 * Self.transfers, "\(check)")
                #expect(check.figures.retransmissions > 0, "\(check)")
            }
        }

        /// What the balancer sends in place of the client, and the SYN-ACK that asks for it.
        @Test(arguments: Family.allCases)
        func `a hello that got lost is repeated as the client sent it`(family: Family) async throws
        {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(family))
                // So often that the endpoint repeats its SYN-ACK before the client gets through.
                let loss = try #require(
                    LostPackets.all.first { $0.name == "hello to the endpoint" })
                try await loss.arm(lab, count: 4)
                let check = try await lab.whileCapturing {
                    let greeting = try await lab.greet(
                        "kafka1.server.test", at: .listener(family))
                    #expect(greeting.isSuccess, "\(greeting)")
                }
                #expect(check.violations.isEmpty, "\(check)")
                #expect(check.figures.flows == 1 && check.figures.hellos > 1, "\(check)")
                #expect(check.figures.retransmissions > 1, "\(check)")
            }
        }

        /// An ICMP error speaks of the packet as its sender wrote it, in addresses and numbers.
        @Test(arguments: Family.allCases)
        func `a way out that shrinks is told in the sender's own terms`(family: Family) async throws
        {
            try await withLab { lab in
                try await lab.perform("file", "\(Self.mebibytes)")
                _ = try await lab.startBalancer(.kafka(family))
                let hash = try await lab.hash(of: "\(Self.mebibytes).bin")
                let check = try await lab.whileCapturing {
                    let upload = try lab.startUpload(
                        "\(Self.mebibytes).bin", to: .listener(family),
                        options: ["--limit-rate", "400K"])
                    let hasBegun = try await isTrue(within: .seconds(10)) {
                        try await lab.flows("state established and bytes > 100KiB").count == 1
                    }
                    #expect(hasBegun)
                    let change = try await lab.run(
                        .balancer, ["ip", "link", "set", "back", "mtu", "1280"])
                    #expect(change.isSuccess, "\(change)")
                    #expect(try await upload.wait().text.hasPrefix(hash))
                }
                #expect(check.violations.isEmpty, "\(check)")
                #expect(check.figures.flows == 1 && check.figures.icmpErrors > 0, "\(check)")
                #expect(check.figures.dropped > 0, "\(check)")
            }
        }

        /// RSTs of ends that give up, and what is still on its way to them.
        @Test(arguments: Family.allCases)
        func `connections that are aborted end without a packet of ours`(family: Family)
            async throws
        {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let check = try await lab.whileCapturing {
                    for _ in 1...3 {
                        let line = lab.curl(
                            "kafka1.server.test", .listener(family), "/slow/16.bin")
                        let aborted = try await lab.run(
                            .client, line + ["-o", "/dev/null", "--max-time", "1"])
                        #expect(aborted.status == 28, "\(aborted)")
                    }
                }
                #expect(check.violations.isEmpty, "\(check)")
                #expect(check.figures.flows == 3 && check.figures.ownResets == 0, "\(check)")
            }
        }

        /// What comes in disorder, twice or damaged leaves so.
        @Test(
            arguments: ["reorder=5", "duplicate=5", "jitter=20", "corrupt=2"], Family.allCases)
        func `nothing leaves that did not arrive, in a bad network`(
            weather: String, family: Family
        ) async throws {
            try await withLab(.wan, direct: true) { lab in
                let isCorrupting = weather.hasPrefix("corrupt")
                try await lab.perform("offloads", isCorrupting ? "off" : "on")
                _ = try await lab.startBalancer(.kafka(family))
                try await lab.emulate("loss=1 \(weather)")
                let check = try await lab.whileCapturing(besidePlainForwarding: true) {
                    let plain = try lab.startMixedTransfers(5, at: .endpoint(family, 9093))
                    let ours = try lab.startMixedTransfers(40, at: .listener(family))
                    #expect(try await ours.transfers().good == 40)
                    _ = try await plain.transfers()
                }
                #expect(check.violations.isEmpty, "\(check)")
                #expect(check.figures.flows == 40 && check.figures.unpaired == 0, "\(check)")
                #expect(check.figures.retransmissions > 0, "\(check)")
                #expect((check.figures.corrupted > 0) == isCorrupting, "\(check)")
            }
        }
    }
}
