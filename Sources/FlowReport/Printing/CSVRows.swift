// SPDX-License-Identifier: Apache-2.0

internal import Datapath

/// Rows of RFC 4180. Lines end in LF, as Unix tools expect; readers of CSV take it for CRLF.
struct CSVRows {
    let columns: [FlowColumn]
    let hasHeader: Bool

    func begin(_ output: inout OutputSpan<UInt8>) {
        if !hasHeader { return }
        output.append(literal: columns.map(\.rawValue).joined(separator: ","))
        output.append(UInt8(ascii: "\n"))
    }

    func print(_ flow: borrowing Flow, now: UInt64, _ output: inout OutputBuffer) throws {
        try output.write(atMost: flow.rowLimit) { span in
            var isFirst = true
            for column in columns {
                if !isFirst { span.append(UInt8(ascii: ",")) }
                isFirst = false
                span.append(cell: column, of: flow, now: now, style: .raw)
            }
            span.append(UInt8(ascii: "\n"))
        }
    }
}
