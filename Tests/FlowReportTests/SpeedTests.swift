// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import FlowReport
@testable import flowdump

@Suite(.serialized) struct `Listing a million flows` {
    private static let isAsked = ProcessInfo.processInfo.environment["FLOWREPORT_MEASURE"] != nil

    /// Prints figures, judges nothing: a shared machine is no stopwatch.
    @Test(
        .enabled(if: isAsked, "set FLOWREPORT_MEASURE=1, and build with -c release"),
        arguments: ReportFormat.allCases)
    func `takes this long`(format: ReportFormat) throws {
        let source = SyntheticSource(count: 1_000_000)
        var listing = Listing()
        listing.format = format
        listing.filter = try FlowFilter("sni *.test and not (client 10.99.0.0/16 or age > 9w)")
        var size = 0
        let clock = ContinuousClock()
        let bare = try clock.measure { try source.forEachFlow { _ in } }
        let whole = try clock.measure {
            let count = try listing.print(source, now: SampleFlows.now) { size += $0.count }
            #expect(count == 1_000_000)
        }
        print("measured \(format): \(whole - bare) of \(whole), \(size / 1_000_000) bytes a flow")
    }
}
