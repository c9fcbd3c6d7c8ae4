// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// What a start makes of the flow table that it finds (LC-07).
    @Suite(.needsBalancer) struct `Adoption at the start` {
        private func configuration(_ family: Family) -> Configuration {
            var configuration = Configuration.echo(family)
            configuration.settings = ["limits:", "  closed_linger: 200ms"]
            configuration.clusters[0].lines.insert("connect_timeout: 30s", at: 0)
            return configuration
        }

        private func expectEntries(_ lab: Lab, _ count: Int, _ when: String) async throws {
            let isSo = try await isTrue(within: .seconds(5)) {
                try await lab.flowTable().count == count
            }
            let rows = try await lab.flowTable()
            #expect(isSo, "\(when): \(rows.map { "\($0.isOfClient) \($0.state)" })")
        }

        @Test(arguments: Family.allCases)
        func `gives up flows that were connecting; their clients come through by repeating`(
            family: Family
        ) async throws {
            let configuration = configuration(family)
            try await withLab { lab in
                try await lab.startEcho()
                try await lab.perform("blackhole", "\(Lab.echoPort)")
                let balancer = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(["--bytes", "2000"], at: .listener(family))
                // Its client is gone before the next daemon comes.
                let line = [Checkout.splitHello, family.vip, "443", "echo.test", "records", "400"]
                let departed = try lab.start(.client, line)
                try await expectEntries(lab, 4, "both have sent their hello")
                #expect(try await lab.rows("state connecting").count == 2)
                try await balancer.kill()
                departed.send(SIGKILL)
                try await departed.wait()
                try await lab.perform("clear")
                let successor = try await lab.startBalancer(configuration)
                try await talk.waitUntilOpen()
                try await expectEntries(lab, 2, "one has come through, one is forgotten")
                let report = try await talk.end()
                #expect(report.good == 1 && report.retries.isEmpty, "\(report)")
                try await expectEntries(lab, 0, "in the end")
                try await successor.stop()
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        /// What is done to a flow's rows while no daemon is there.
        private struct Damage: CustomStringConvertible {
            /// Of both rows; nil: as it is.
            var state: String?
            /// The row that is taken away; nil: none.
            var takesClientRow: Bool?
            var isMadeWhole = false

            var description: String {
                "state \(state ?? "kept"), client's row taken: \(takesClientRow?.description ?? "-")"
            }

            /// Connecting, closed, reset, and one of another world.
            static let all =
                [true, false].flatMap { takesClientRow in
                    [Damage(takesClientRow: takesClientRow, isMadeWhole: true)]
                        + ["01", "04", "05", "4d"].map {
                            Damage(state: $0, takesClientRow: takesClientRow)
                        }
                } + [Damage(state: "4d"), Damage(isMadeWhole: true)]
        }

        private func inflict(_ damage: Damage, _ rows: [RawFlow], _ lab: Lab) async throws {
            for row in rows {
                if row.isOfClient == damage.takesClientRow {
                    try await lab.remove(row)
                } else if let state = damage.state {
                    var row = row
                    row.state = state
                    try await lab.write(row)
                }
            }
        }

        @Test(arguments: Family.allCases)
        func `makes half of a live flow whole, and lets go of what is of no use`(
            family: Family
        ) async throws {
            let configuration = configuration(family)
            try await withLab { lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(configuration)
                var flows: [(damage: Damage, talk: Talk, rows: [RawFlow])] = []
                for damage in Damage.all {
                    let known = Set(flows.flatMap(\.rows).map(\.key))
                    let talk = try lab.startTalk(["--bytes", "2000"], at: .listener(family))
                    try await talk.waitUntilOpen()
                    let rows = try await lab.flowTable().filter { !known.contains($0.key) }
                    #expect(rows.count == 2)
                    flows.append((damage, talk, rows))
                }
                try await balancer.kill()
                for flow in flows { try await inflict(flow.damage, flow.rows, lab) }

                let successor = try await lab.startBalancer(configuration)
                let live = flows.filter(\.damage.isMadeWhole)
                try await expectEntries(lab, 2 * live.count, "after the start")
                for flow in flows {
                    let report = try await flow.talk.end()
                    let isGood = report.good == 1 && report.errors.isEmpty
                    #expect(
                        flow.damage.isMadeWhole ? isGood : report.hasClearEnd,
                        "\(flow.damage): \(report)")
                }
                try await expectEntries(lab, 0, "in the end")
                #expect(try await lab.counter("daemon_restored") == 2)
                try await successor.stop()
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        /// No packet of either end may be needed: the endpoint of an idle flow would wait for days.
        @Test func `tells both ends of a flow in a state that nobody knows`() async throws {
            let configuration = configuration(.v4)
            try await withLab { lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(at: .listener(.v4))
                try await talk.waitUntilOpen()
                try await balancer.kill()
                let rows = try await lab.flowTable()
                try await inflict(Damage(state: "4d"), rows, lab)
                _ = try await lab.startBalancer(configuration)
                try await expectEntries(lab, 0, "after the start")
                for role in [Lab.Role.client, .endpoint] {
                    let sockets = try await lab.run(role, ["ss", "-Htn", "state", "established"])
                    #expect(!sockets.text.contains("10.0.0.1:"), "\(sockets)")
                    #expect(!sockets.text.contains("192.0.2.1:443"), "\(sockets)")
                }
                let report = try await talk.end()
                #expect(report.good == 0 && !report.errors.isEmpty, "\(report)")
            }
        }
    }
}
