// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing

@testable import FlowReport
@testable import flowdump

@Suite(.serialized) struct `Listing a million flows` {
    /// The formats named in FLOWREPORT_MEASURE; `all` is all.
    private static let asked = ReportFormat.allCases.filter { format in
        let words = ProcessInfo.processInfo.environment["FLOWREPORT_MEASURE"] ?? ""
        return words == "all" || words.split(separator: " ").contains { $0 == format.rawValue }
    }

    /// Prints figures, judges nothing: a shared machine is no stopwatch.
    @Test(
        .enabled(if: !asked.isEmpty, "set FLOWREPORT_MEASURE=all, and build with -c release"),
        arguments: asked)
    func `takes this long`(format: ReportFormat) throws {
        let source = SyntheticSource(count: 1_000_000)
        var listing = Listing()
        listing.format = format
        let size = Mutex(0)
        let clock = ContinuousClock()
        let bare = try cpuSeconds {
            try SyntheticSource(count: 1_000_000).forEachFlow { _ in }
        }
        var whole = 0.0
        let wall = try clock.measure {
            whole = try cpuSeconds {
                let count = try listing.print(source, now: SampleFlows.now) { piece in
                    size.withLock { $0 += piece.count }
                }
                #expect(count == 1_000_000)
            }
        }
        print(
            "measured \(format): \(whole - bare) s of CPU (\(wall) with the source),",
            "\(size.withLock { $0 } / 1_000_000) bytes a flow")
    }

    private func cpuSeconds(_ body: () throws -> Void) rethrows -> Double {
        let start = clock()
        try body()
        return Double(clock() - start) / Double(CLOCKS_PER_SEC)
    }
}
