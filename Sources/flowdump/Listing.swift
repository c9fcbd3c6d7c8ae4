// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import FlowReport

/// One listing: which flows, in which order, written how.
struct Listing {
    var instance = "sluice"
    var filter = FlowFilter.all([])
    var format = ReportFormat.table
    var hasHeader = true
    var isNumeric = false
    var width = 100
    var sort: FlowSort?
    var isReversed = false
    var limit = Int.max

    /// Ends the walk over the table when enough was shown.
    private struct LimitReached: Error {}

    /// Writes the flows of `source` that match; answers how many.
    func print(
        _ source: borrowing some FlowSource & ~Copyable, now: UInt64, sink: @escaping ReportSink
    ) throws -> Int {
        var printer = FlowPrinter(
            format: format, hasHeader: hasHeader, isNumeric: isNumeric, width: width, sink: sink)
        try printer.begin(instance: instance, now: now)
        if let sort {
            let flows = sort.sorted(try matches(source, now), now: now, isReversed: isReversed)
            for flow in flows.prefix(limit) { try printer.print(flow, now: now) }
        } else {
            try stream(source, now, into: &printer, sink)
        }
        try printer.end()
        return printer.count
    }

    private func stream(
        _ source: borrowing some FlowSource & ~Copyable, _ now: UInt64,
        into printer: inout FlowPrinter, _ sink: @escaping ReportSink
    ) throws {
        if limit == 0 { return }
        do {
            // A limit is a matter of order: one thread. Otherwise the first rows settle the layout.
            while limit < .max || !printer.isSettled {
                let hasMore = try source.nextFlows { flow in
                    guard filter.matches(flow, now: now) else { return }
                    try printer.print(flow, now: now)
                    if printer.count >= limit { throw LimitReached() }
                }
                if !hasMore { return }
            }
        } catch is LimitReached { return }
        try printer.flush()
        let crew = PrintingCrew(filter: filter, now: now, sink: sink)
        printer.add(count: try crew.print(source, like: printer))
    }

    private func matches(_ source: borrowing some FlowSource & ~Copyable, _ now: UInt64) throws
        -> [Flow]
    {
        var flows: [Flow] = []
        try source.forEachFlow { flow in
            if filter.matches(flow, now: now) { flows.append(flow) }
        }
        return flows
    }
}

extension Listing {
    /// The listing that was asked for.
    init(command: ListCommand, filter: FlowFilter) {
        self.init(
            instance: command.common.instance, filter: filter, format: command.common.output,
            hasHeader: !command.common.noHeader, isNumeric: command.numeric, width: command.width,
            sort: command.sort, isReversed: command.reverse, limit: command.limit ?? .max)
    }
}
