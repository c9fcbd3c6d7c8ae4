// SPDX-License-Identifier: Apache-2.0

/// One named number of a report: a verdict or drop reason with its count.
public struct NamedNumber: Sendable, Equatable {
    /// The name, `drop-no-route` for example.
    public let name: String
    /// The number.
    public let value: UInt64

    /// A name and its number.
    public init(name: String, value: UInt64) {
        self.name = name
        self.value = value
    }
}

/// Writes a list of named numbers: the counters of the datapath, or how many flows there are of
/// each kind.
public struct NumberPrinter {
    private let format: ReportFormat
    private let hasHeader: Bool

    /// A printer of `format`; `wide` is the same as `table` here.
    public init(format: ReportFormat, hasHeader: Bool = true) {
        self.format = format
        self.hasHeader = hasHeader
    }

    /// Writes all of `numbers` in their order; `member` names their object in JSON, `title` heads
    /// their column.
    public func print(
        _ numbers: [NamedNumber], title: String, member: String, instance: String,
        sink: @escaping ReportSink
    ) throws {
        var output = OutputBuffer(sink: sink)
        let names = numbers.reduce(0) { $0 + $1.name.utf8.count }
        let widest = numbers.map(\.name.utf8.count).max() ?? 0
        // An escape makes at most six bytes of one; 128 more for the number and what is around it.
        let limit = 1024 + 6 * (names + instance.utf8.count) + numbers.count * (widest + 128)
        try output.write(atMost: limit) { span in
            switch format {
            case .table, .wide: printTable(numbers, title: title, &span)
            case .csv: printCSV(numbers, title: title, &span)
            case .json: printJSON(numbers, member: member, instance: instance, &span)
            case .jsonl: printLines(numbers, title: title, &span)
            }
        }
        try output.flush()
    }

    private func printTable(
        _ numbers: [NamedNumber], title: String, _ output: inout OutputSpan<UInt8>
    ) {
        let width = numbers.map(\.name.utf8.count).max() ?? 0
        if hasHeader {
            output.append(literal: title.uppercased())
            output.append(spaces: width - title.utf8.count)
            output.append(literal: "                VALUE\n")
        }
        for number in numbers {
            let start = output.count
            output.append(visible: number.name)
            output.append(spaces: width + 1 - (output.count - start))
            let value = output.count
            output.append(decimal: number.value)
            output.alignRight(from: value, width: 20)
            output.append(literal: "\n")
        }
    }

    private func printCSV(
        _ numbers: [NamedNumber], title: String, _ output: inout OutputSpan<UInt8>
    ) {
        if hasHeader { output.append(literal: "\(title),value\n") }
        for number in numbers {
            output.append(csv: number.name)
            output.append(literal: ",")
            output.append(decimal: number.value)
            output.append(literal: "\n")
        }
    }

    private func printJSON(
        _ numbers: [NamedNumber], member: String, instance: String,
        _ output: inout OutputSpan<UInt8>
    ) {
        output.append(literal: #"{"format_version":"#)
        output.append(decimal: JSONRows.formatVersion)
        output.append(literal: #","instance":"#)
        output.append(json: instance)
        output.append(literal: ",\"\(member)\":{")
        for (index, number) in numbers.enumerated() {
            output.append(literal: index == 0 ? "\n" : ",\n")
            output.append(json: number.name)
            output.append(literal: ":")
            output.append(decimal: number.value)
        }
        output.append(literal: "\n}}\n")
    }

    private func printLines(
        _ numbers: [NamedNumber], title: String, _ output: inout OutputSpan<UInt8>
    ) {
        for number in numbers {
            output.append(literal: "{\"\(title)\":")
            output.append(json: number.name)
            output.append(literal: #","value":"#)
            output.append(decimal: number.value)
            output.append(literal: "}\n")
        }
    }
}
