// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Loss of the first packets of a kind` {
        /// One connection that loses its first `count` packets of a kind. Its client's port and its
        /// endpoint's are its own, so that one rule on one side hits nothing else.
        private struct Cell: Sendable {
            var loss: LostPackets
            var count: Int
            var family: Family
            var number: Int

            var name: String { "cell\(number).web.test" }
            var clientPort: Int { 30_000 + number }
            var endpointPort: Int { 20_000 + number }
            /// What the rule looks at.
            var port: Int { loss.side == .client ? clientPort : endpointPort }

            /// Five lost SYNs take 31 seconds. All cells run at once, so that is what all take.
            static let all: [Cell] = {
                var cells: [Cell] = []
                for loss in LostPackets.all {
                    for (count, family) in (1...5).flatMap({ [($0, Family.v4), ($0, .v6)] }) {
                        cells.append(
                            Cell(loss: loss, count: count, family: family, number: cells.count))
                    }
                }
                return cells
            }()
        }

        private var configuration: Configuration {
            var configuration = Configuration(
                addresses: Family.allCases.map { $0.join($0.vip, 443) })
            for cell in Cell.all {
                let endpoint = cell.family.join(cell.family.endpoint, cell.endpointPort)
                configuration.route(cell.name, to: "cell\(cell.number)", endpoint)
            }
            return configuration
        }

        /// One server behind the ports of all cells, and a count of the resets that clients get.
        private func prepare(_ lab: Lab) async throws {
            let ports = "20000-\(20_000 + Cell.all.count)"
            let redirect = "tcp dport \(ports) redirect to :9096"
            let rules = [
                (Lab.Role.endpoint, "inet", "type nat hook prerouting priority dstnat", redirect),
                (
                    .client, "netdev", "type filter hook ingress device net0 priority -1",
                    "tcp flags & rst == rst counter"
                ),
            ]
            for (role, family, hook, rule) in rules {
                let table = "table \(family) cells { chain first { \(hook); \(rule); }; }"
                let output = try await lab.run(role, ["nft", table])
                #expect(output.isSuccess, "\(output)")
            }
            for cell in Cell.all {
                try await cell.loss.arm(lab, count: cell.count, port: cell.port)
            }
        }

        /// How many packets the rules of each port took.
        private func lost(_ lab: Lab, _ role: Lab.Role) async throws -> [Int: Int] {
            let listing = try await lab.run(role, ["nft", "list", "table", "netdev", "faults"])
            let matches = listing.text.matches(
                of: /tcp [sd]port (\d+) .* counter packets (\d+)/)
            return Dictionary(
                matches.map { (Int($0.output.1) ?? 0, Int($0.output.2) ?? 0) },
                uniquingKeysWith: +)
        }

        @Test func `delays a TLS handshake and no more, up to five, at every step`() async throws {
            try await withLab { lab in
                try await prepare(lab)
                _ = try await lab.startBalancer(configuration)
                let connections = try Cell.all.map { cell in
                    let target = Target.listener(cell.family)
                    let options = [
                        "--local-port", "\(cell.clientPort)", "-w", "took %{time_appconnect} s",
                    ]
                    return try lab.start(.client, lab.curl(cell.name, target, "/") + options)
                }
                var answers: [Command.Output] = []
                for connection in connections {
                    answers.append(try await connection.wait(.seconds(150)))
                }
                let lost: [Lab.Role: [Int: Int]] = [
                    .client: try await self.lost(lab, .client),
                    .endpoint: try await self.lost(lab, .endpoint),
                ]
                for (cell, answer) in zip(Cell.all, answers) {
                    let title: Comment = "\(cell.loss.name) \(cell.count) \(cell.family): \(answer)"
                    #expect(answer.isSuccess && answer.text.contains("web "), title)
                    let count = lost[cell.loss.side]?[cell.port] ?? 0
                    let isRight = (cell.loss.isRepeated ? cell.count : 1)...cell.count ~= count
                    #expect(isRight, "\(count) were lost; \(title)")
                }
                let resets = try await lab.run(
                    .client, ["nft", "list", "table", "netdev", "cells"])
                #expect(resets.text.contains("counter packets 0 "), "\(resets)")
            }
        }
    }
}
