// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// OB-06: no packet is without a reason.
    @Suite(.needsBalancer) struct `Counters of the datapath` {
        /// Those that say more of a packet which another counter has as well.
        private static let additions: Set = [
            "cookie_accepted", "icmp_sent", "icmp_limited", "plain_opened", "fast_dry_run",
        ]

        private func counted(_ lab: Lab) async throws -> Int {
            struct Report: Decodable { var counters: [String: Int] }
            let output = try await Command.run(
                [Checkout.flowdump, "counters", "--instance", lab.name, "-o", "json"])
            let report = try JSONDecoder().decode(Report.self, from: Data(output.text.utf8))
            return report.counters.reduce(0) { sum, counter in
                let isAddition =
                    Self.additions.contains(counter.key) || counter.key.hasPrefix("daemon_")
                return isAddition ? sum : sum + counter.value
            }
        }

        /// What the interfaces took in.
        private func received(_ lab: Lab) async throws -> Int {
            struct Link: Decodable {
                struct Statistics: Decodable {
                    struct Way: Decodable { var packets: Int }
                    var rx: Way
                }
                var stats64: Statistics
            }
            var sum = 0
            for interface in lab.layout.interfaces {
                let output = try await lab.run(
                    .balancer, ["ip", "-s", "-j", "link", "show", interface])
                let links = try JSONDecoder().decode([Link].self, from: Data(output.text.utf8))
                sum += links.reduce(0) { $0 + $1.stats64.rx.packets }
            }
            return sum
        }

        @Test(arguments: Family.allCases)
        func `have each packet that came in once`(family: Family) async throws {
            try await withLab(direct: true) { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let before = (counted: try await counted(lab), received: try await received(lab))
                try await lab.perform("loss", "2")
                let transfers = try lab.startMixedTransfers(60, at: .listener(family))
                let passing = try lab.startMixedTransfers(20, at: .endpoint(family, 9093))
                #expect(try await transfers.transfers().good == 60)
                #expect(try await passing.transfers().good == 20)
                _ = try await lab.greet("nobody.test", at: .listener(family))
                let closed = Target(address: family.vip, port: 81)
                _ = try await lab.run(.client, lab.curl("nobody.test", closed, "/"))
                // What is on its way arrives; an ACK may take 200 ms.
                var difference = 0
                let isEqual = try await isTrue(within: .seconds(5)) {
                    try await Task.sleep(for: .milliseconds(200))
                    let now = (counted: try await counted(lab), received: try await received(lab))
                    difference = now.counted - before.counted - (now.received - before.received)
                    return difference == 0
                }
                #expect(isEqual, "\(difference) more counted than received")
                #expect(try await received(lab) - before.received > 1000)
            }
        }
    }
}
