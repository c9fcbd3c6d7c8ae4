// SPDX-License-Identifier: Apache-2.0

internal import Datapath

/// Rows of RFC 4180. Lines end in LF, as Unix tools expect; readers of CSV take it for CRLF.
struct CSVRows {
    let columns: [FlowColumn]
    let hasHeader: Bool

    func begin(_ output: inout OutputBuffer) {
        if !hasHeader { return }
        output.append(literal: columns.map(\.rawValue).joined(separator: ","))
        output.append(UInt8(ascii: "\n"))
    }

    func print(_ flow: Flow, now: UInt64, _ output: inout OutputBuffer) {
        var isFirst = true
        for column in columns {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            output.append(cell: column, of: flow, now: now, style: .raw)
        }
        output.append(UInt8(ascii: "\n"))
    }
}
