// SPDX-License-Identifier: Apache-2.0

public import Datapath

/// Writes a listing of flows: `begin`, one `print` a flow, `end`.
///
/// Rows go out as they come, so a listing of any length takes the memory of a few hundred rows.
public struct FlowPrinter: ~Copyable {
    private let format: ReportFormat
    private var output: OutputBuffer
    private var aligned: AlignedRows
    private var csv: CSVRows
    private var json = JSONRows()

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
        case .csv: csv.begin(&output)
        case .json: json.begin(instance: instance, now: now, &output)
        }
        try output.flushIfLarge()
    }

    /// Writes one flow; `now` is CLOCK_MONOTONIC in nanoseconds.
    public mutating func print(_ flow: borrowing Flow, now: UInt64) throws {
        switch format {
        case .table, .wide: try aligned.print(copy flow, now: now, &output)
        case .csv: csv.print(copy flow, now: now, &output)
        case .json: json.print(copy flow, now: now, isFirst: count == 0, &output)
        case .jsonl: json.print(line: copy flow, now: now, &output)
        }
        count += 1
        try output.flushIfLarge()
    }

    /// Writes what stands behind the last flow, and hands over everything.
    public mutating func end() throws {
        switch format {
        case .table, .wide: try aligned.end(&output)
        case .csv, .jsonl: break
        case .json: json.end(count: count, &output)
        }
        try output.flush()
    }
}
