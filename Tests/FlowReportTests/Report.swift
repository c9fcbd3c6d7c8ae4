// SPDX-License-Identifier: Apache-2.0

import Datapath
import Synchronization

@testable import FlowReport

/// Collects what a printer hands over.
final class Collector: Sendable {
    private let pieces = Mutex<[[UInt8]]>([])

    var sink: ReportSink {
        { piece in self.pieces.withLock { $0.append(piece) } }
    }

    var sizes: [Int] { pieces.withLock { $0.map(\.count) } }
    var bytes: [UInt8] { pieces.withLock { Array($0.joined()) } }
    var text: String { String(decoding: bytes, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }
}

/// The text of a listing.
func report(
    _ flows: [Flow], _ format: ReportFormat, columns: [FlowColumn]? = nil, hasHeader: Bool = true,
    isNumeric: Bool = false, width: Int = 100
) throws -> String {
    let collector = Collector()
    var printer = FlowPrinter(
        format: format, columns: columns, hasHeader: hasHeader, isNumeric: isNumeric, width: width,
        sink: collector.sink)
    try printer.begin(instance: "sluice", now: SampleFlows.now)
    for flow in flows { try printer.print(flow, now: SampleFlows.now) }
    try printer.end()
    return collector.text
}

/// What one call appends to a row.
func written(_ body: (inout OutputSpan<UInt8>) -> Void) -> String {
    let bytes = [UInt8](capacity: 1024, initializingWith: body)
    return String(decoding: bytes, as: UTF8.self)
}
