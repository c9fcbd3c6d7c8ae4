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
    }
}
