// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WireChecking

/// What a bad network does to packets, both between client and balancer and behind it.
private struct Weather: CustomTestStringConvertible, Sendable {
    enum Kind: String, CaseIterable {
        case calm = ""
        case reordering = "reorder=5"
        case duplicating = "duplicate=5"
        case jitter = "jitter=20"
    }

    var loss: Int
    var kind: Kind
    var family: Family
    var offloads: String

    var options: String { "loss=\(loss) \(kind.rawValue)" }
    var testDescription: String { "\(options), \(family.rawValue), offloads \(offloads)" }

    /// All of them with SLUICE_LARGE=1; else each loss with each kind, families and offloads in turn.
    static var all: [Weather] {
        var all: [Weather] = []
        for (row, loss) in [0, 1, 5].enumerated() {
            for (column, kind) in Kind.allCases.enumerated() {
                for (number, family) in Family.allCases.enumerated() {
                    for (turn, offloads) in ["on", "off"].enumerated() {
                        let isInTurn = (row + column) % 4 == 2 * number + turn
                        guard isInTurn || isLarge else { continue }
                        all.append(
                            Weather(loss: loss, kind: kind, family: family, offloads: offloads))
                    }
                }
            }
        }
        return all
    }

    private static var isLarge: Bool {
        ProcessInfo.processInfo.environment["SLUICE_LARGE"] == "1"
    }
}

extension EndToEnd {
    @Suite(.needsCapture) struct `Bad networks` {
        private static let count = 200

        @Test(arguments: Weather.all)
        fileprivate func `harm no transfer that they do not harm on a plain way`(
            weather: Weather
        ) async throws {
            try await withLab(.wan, direct: true) { lab in
                try await lab.perform("offloads", weather.offloads)
                _ = try await lab.startBalancer(.kafka(weather.family))
                try await lab.emulate(weather.options)
                var reports: [MixedTransfers] = []
                let check = try await lab.whileCapturing(besidePlainForwarding: true) {
                    let targets: [Target] = [
                        .listener(weather.family), .endpoint(weather.family, 9093),
                    ]
                    let runs = try targets.map { try lab.startMixedTransfers(Self.count, at: $0) }
                    for run in runs { reports.append(try await run.transfers()) }
                }
                let (ours, plain) = (reports[0], reports[1])
                let counts = try await lab.emulate("")
                #expect(ours.corrupt == 0)
                #expect(ours.failed <= plain.failed, "\(ours) \(plain)")
                #expect(ours.good + ours.failed == Self.count)
                #expect(check.violations.isEmpty, "\(check)")
                #expect(check.figures.flows == Self.count, "\(check)")
                expectWeather(weather, counts)
                // The daemon tells its counts once in a while.
                let areSpliced = try await isTrue(within: .seconds(3)) {
                    try await lab.counter("daemon_established") == Self.count
                }
                #expect(areSpliced)
                #expect(try await lab.counter("daemon_relayed") == 0)
                print(
                    "\(weather.testDescription): \(ours.seconds) s, plain \(plain.seconds) s;",
                    counts)
            }
        }

        /// The emulator did what the test was about.
        private func expectWeather(_ weather: Weather, _ counts: WANCounts) {
            #expect(counts.refused == 0)
            #expect((counts.lost > 0) == (weather.loss > 0))
            #expect((counts.reordered > 0) == (weather.kind == .reordering))
            #expect((counts.duplicated > 0) == (weather.kind == .duplicating))
        }

        /// A wrong checksum stays wrong through every change that the datapath makes.
        @Test(arguments: Family.allCases)
        func `corrupt no byte that gets through`(family: Family) async throws {
            try await withLab(.wan) { lab in
                try await lab.perform("offloads", "off")
                _ = try await lab.startBalancer(.kafka(family))
                try await lab.emulate("corrupt=2")
                let report = try await lab.startMixedTransfers(100, at: .listener(family))
                    .transfers()
                let counts = try await lab.emulate("")
                #expect(report.good == 100, "\(report)")
                #expect(counts.corrupted > 20)
                var noticed = 0
                for role in [Lab.Role.client, .endpoint] {
                    noticed += try await lab.statistic("TcpInCsumErrors", of: role)
                }
                #expect(noticed > 20)
            }
        }
    }
}
