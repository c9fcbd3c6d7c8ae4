// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `A thousand transfers` {
        private static let count = 1000

        /// Connections that talk on until they are told to end.
        private func start(_ lab: Lab, _ family: Family) async throws -> Talk {
            let options = ["--count", "\(Self.count)", "--bytes", "10000", "--steady"]
            let talk = try lab.startTalk(options + ["--pause", "0.3"], at: .listener(family))
            try await talk.waitUntilOpen(.seconds(60))
            return talk
        }

        private func established(_ lab: Lab) async throws -> [String: Int] {
            let rows = try await lab.rows("mode spliced and state established")
            return Dictionary(
                rows.map { ($0.names, $0.upstream.bytes) }, uniquingKeysWith: { $1 })
        }

        /// Waits until every one of `before` has brought more bytes than it had then.
        private func expectProgress(_ lab: Lab, since before: [String: Int]) async throws {
            let haveMoved = try await isTrue(within: .seconds(30)) {
                let now = try await established(lab)
                return before.allSatisfy { now[$0.key, default: 0] > $0.value }
            }
            #expect(haveMoved)
        }

        @Test(arguments: Family.allCases)
        func `outlive kill -9, end unharmed without a daemon, and are adopted by the next`(
            family: Family
        ) async throws {
            var configuration = Configuration.echo(family)
            configuration.settings = ["limits:", "  closed_linger: 2s"]
            try await withLab { [configuration] lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(configuration)
                // The ones end in the daemon's absence, the others outlast it.
                let passing = try await start(lab, family)
                let lasting = try await start(lab, family)
                let before = try await established(lab)
                #expect(before.count == 2 * Self.count)

                try await balancer.kill()
                try await expectProgress(lab, since: before)
                try await passing.expectGood(Self.count)
                let orphans = try await established(lab)
                #expect(orphans.count == Self.count)

                let successor = try await lab.startBalancer(configuration)
                let adopted = try await established(lab)
                #expect(Set(adopted.keys) == Set(orphans.keys))
                try await expectProgress(lab, since: adopted)
                try await expectPortsOfTheirOwn(lab, beside: adopted.count, family)
                try await lasting.expectGood(Self.count)
                let isEmpty = try await isTrue(within: .seconds(60)) {
                    try await lab.flows().isEmpty
                }
                #expect(isEmpty, "the successor sweeps what it adopted")
                try await successor.stop()
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        /// A port that a new connection shared with an adopted one would mix up their bytes.
        private func expectPortsOfTheirOwn(
            _ lab: Lab, beside count: Int, _ family: Family
        ) async throws {
            let new = try lab.startTalk(["--count", "200"], at: .listener(family))
            try await new.waitUntilOpen()
            let rows = try await lab.rows("mode spliced")
            #expect(Set(rows.map(\.balancer)).count == rows.count)
            try await new.expectGood(200)
        }
    }
}
