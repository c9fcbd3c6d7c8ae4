// SPDX-License-Identifier: Apache-2.0

public import Datapath

/// Writes a listing of flows: `begin`, one `print` a flow, `end`.
///
/// Rows go out as they come, so a listing of any length takes the memory of a few hundred rows.
public struct FlowPrinter: ~Copyable, Sendable {
    private let format: ReportFormat
    private var output: OutputBuffer
    private var aligned: AlignedRows
    private var csv: CSVRows
    private var json = JSONRows()
    private var isCompanion = false

    /// How many flows were printed.
    public private(set) var count = 0

    /// A printer that hands its text to `sink` in pieces of 64 KiB and more.
    ///
    /// - Parameters:
    ///   - columns: what `table`, `wide` and `csv` show; nil: the columns of the format.
    ///   - hasHeader: whether they begin with a line of headings.
    ///   - isNumeric: whether a table shows exact numbers and not human units.
    ///   - width: how many columns of a terminal a table may take.
    public init(
        format: ReportFormat, columns: [FlowColumn]? = nil, hasHeader: Bool = true,
        isNumeric: Bool = false, width: Int = 100, sink: @escaping ReportSink
    ) {
        self.format = format
        output = OutputBuffer(sink: sink)
        let isWide = format == .wide
        aligned = AlignedRows(
            columns: columns ?? (isWide ? FlowColumn.wide : FlowColumn.table),
            style: isWide || isNumeric ? .exact : .human, limit: isWide ? nil : width,
            hasHeader: hasHeader)
        csv = CSVRows(columns: columns ?? FlowColumn.csv, hasHeader: hasHeader)
    }

    /// Writes what stands before the first flow. `instance` and `now` are told by JSON only.
    public mutating func begin(instance: String, now: UInt64) throws {
        switch format {
        case .table, .wide, .jsonl: break
        case .csv: try output.write(atMost: 4096, csv.begin)
        case .json:
            let json = json
            try output.write(atMost: 256 + 6 * instance.utf8.count) {
                json.begin(instance: instance, now: now, &$0)
            }
        }
    }

    /// Writes one flow; `now` is CLOCK_MONOTONIC in nanoseconds.
    public mutating func print(_ flow: borrowing Flow, now: UInt64) throws {
        switch format {
        case .table, .wide: try aligned.print(flow, now: now, &output)
        case .csv: try csv.print(flow, now: now, &output)
        case .json:
            let isFirst = count == 0 && !isCompanion
            try json.print(flow, now: now, before: isFirst ? "\n" : ",\n", &output)
        case .jsonl: try json.print(flow, now: now, after: "\n", &output)
        }
        count += 1
    }

    /// Writes what stands behind the last flow, and hands over everything.
    public mutating func end() throws {
        switch format {
        case .table, .wide: try aligned.end(&output)
        case .csv, .jsonl: break
        case .json:
            let (json, count) = (json, count)
            try output.write(atMost: 64) { json.end(count: count, &$0) }
        }
        try output.flush()
    }
}

/// Printing by several threads, each with a printer of its own.
extension FlowPrinter {
    /// Whether rows no longer depend on those before them: widths are settled, the first comma
    /// is due.
    public var isSettled: Bool {
        switch format {
        case .table, .wide: aligned.isSettled
        case .json: count > 0
        case .csv, .jsonl: true
        }
    }

    /// A printer of further rows of the same listing, once this one is settled. `sink` gets whole
    /// rows, so pieces of several companions may follow each other in any order, after what this
    /// printer handed over by `flush()` and before its `end()`.
    public borrowing func companion(sink: @escaping ReportSink) -> FlowPrinter {
        precondition(isSettled)
        return FlowPrinter(companionOf: self, sink: sink)
    }

    private init(companionOf printer: borrowing FlowPrinter, sink: @escaping ReportSink) {
        format = printer.format
        output = OutputBuffer(sink: sink)
        aligned = printer.aligned
        csv = printer.csv
        isCompanion = true
    }

    /// Hands over all rows that are ready.
    public mutating func flush() throws { try output.flush() }

    /// Counts flows that companions printed.
    public mutating func add(count more: Int) { count += more }
}

extension Flow {
    /// No cell, heading or JSON member other than names takes more than this in a row.
    private static let fixedBytes = 4096

    /// More bytes than a row of any format takes, without padding: an escape makes at most six of
    /// one byte.
    var rowLimit: Int {
        let names = listener.utf8.count + cluster.utf8.count + (serverName?.utf8.count ?? 0)
        return Self.fixedBytes + 6 * names
    }
}
