// SPDX-License-Identifier: Apache-2.0

internal import Datapath

/// Rows of `table` and `wide`: the first ones are held back until they told how wide the columns
/// must be.
struct AlignedRows {
    private static let measuredRows = 512

    private struct Row {
        let flow: Flow
        let now: UInt64
    }

    private let columns: [FlowColumn]
    private let style: CellStyle
    private let limit: Int?
    private let hasHeader: Bool
    private var held: [Row] = []
    private var layout: [Column] = []
    private var padding = 0

    /// All that the inner loop asks about a column.
    private struct Column {
        let column: FlowColumn
        let width: Int
        let isNumber: Bool
        let isCut: Bool
        let isLast: Bool
    }

    init(columns: [FlowColumn], style: CellStyle, limit: Int?, hasHeader: Bool) {
        self.columns = columns
        self.style = style
        self.limit = limit
        self.hasHeader = hasHeader
    }

    /// Whether the widths are settled.
    var isSettled: Bool { !layout.isEmpty }

    mutating func print(_ flow: borrowing Flow, now: UInt64, _ output: inout OutputBuffer) throws {
        if !layout.isEmpty {
            try output.write(atMost: rowLimit(flow)) { write(flow, now: now, &$0) }
            return
        }
        held.append(Row(flow: copy flow, now: now))
        if held.count == Self.measuredRows { try release(&output) }
    }

    mutating func end(_ output: inout OutputBuffer) throws {
        if layout.isEmpty { try release(&output) }
    }

    /// Settles the widths and writes the rows held back. No flows: nothing, not even a header.
    private mutating func release(_ output: inout OutputBuffer) throws {
        if held.isEmpty { return }
        let natural = try columns.map { try measure($0, &output) }
        settle(ColumnWidths(natural: natural, columns: columns, limit: limit).widths)
        if hasHeader { try output.write(atMost: 4096 + padding, writeHeader) }
        for row in held {
            try output.write(atMost: rowLimit(row.flow)) { write(row.flow, now: row.now, &$0) }
        }
        held = []
    }

    /// Padding comes on top of what the cells take.
    private func rowLimit(_ flow: borrowing Flow) -> Int { flow.rowLimit + padding }

    private func measure(_ column: FlowColumn, _ output: inout OutputBuffer) throws -> Int {
        // Where text is cut, its heading may be cut rather than the text.
        let mayCutTitle = limit != nil && !column.isNumber
        var widest = hasHeader && !mayCutTitle ? column.title.utf8.count : 0
        for row in held {
            try output.write(atMost: row.flow.rowLimit) { span in
                let start = span.count
                span.append(cell: column, of: row.flow, now: row.now, style: style)
                widest = max(widest, span.count - start)
                span.discard(from: start)
            }
        }
        return widest
    }

    private mutating func settle(_ widths: [Int]) {
        padding = widths.reduce(widths.count, +)
        layout = zip(columns, widths).enumerated().map { index, column in
            Column(
                column: column.0, width: column.1, isNumber: column.0.isNumber,
                isCut: limit != nil && !column.0.isNumber, isLast: index == columns.count - 1)
        }
    }

    private func writeHeader(_ output: inout OutputSpan<UInt8>) {
        for column in layout {
            let start = output.count
            output.append(literal: column.column.title)
            finish(column, from: start, tail: 0, &output)
        }
    }

    private func write(_ flow: borrowing Flow, now: UInt64, _ output: inout OutputSpan<UInt8>) {
        for column in layout {
            let start = output.count
            output.append(cell: column.column, of: flow, now: now, style: style)
            let isTooLong = column.isCut && output.count - start > column.width
            finish(column, from: start, tail: isTooLong ? tail(column, start, output) : 0, &output)
        }
    }

    /// Fills or cuts the cell that was written since `start`. Cells are ASCII: a byte is a column.
    private func finish(
        _ column: Column, from start: Int, tail: Int, _ output: inout OutputSpan<UInt8>
    ) {
        let length = output.count - start
        if length > column.width, column.isCut {
            output.elide(from: start, width: column.width, tail: tail)
        } else if column.isNumber {
            output.alignRight(from: start, width: column.width)
        } else if !column.isLast {
            output.append(spaces: column.width - length)
        }
        output.append(UInt8(ascii: column.isLast ? "\n" : " "))
    }

    /// How much of a cell's end stays when it is cut: an address keeps its port, and of the rest
    /// both ends tell something; a mode's reason is known by its beginning.
    private func tail(_ column: Column, _ start: Int, _ output: borrowing OutputSpan<UInt8>) -> Int
    {
        if column.column == .mode { return 0 }
        guard column.column.isAddress else { return (column.width - 1) / 3 }
        let suffix = output.lengthOfPort(from: start)
        return suffix + max(column.width - 1 - suffix, 0) / 3
    }
}
