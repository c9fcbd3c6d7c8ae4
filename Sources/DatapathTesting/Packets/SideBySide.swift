// SPDX-License-Identifier: Apache-2.0

/// Two packets field by field, differing lines marked: what a failed test prints.
public struct SideBySide: CustomStringConvertible, Sendable {
    /// The table.
    public let description: String

    /// Compares what should have come out with what did.
    public init(expected: [UInt8], actual: [UInt8], hasLink: Bool = true) {
        let left = PacketReading(expected, hasLink: hasLink)
        let right = PacketReading(actual, hasLink: hasLink)
        var lines = ["  " + Self.columns("field", "expected", "actual")]
        let names = left.fields.map(\.name)
        let added = right.fields.map(\.name).filter { !names.contains($0) }
        for name in names + added {
            let one = left.fields.first { $0.name == name }?.value ?? "–"
            let other = right.fields.first { $0.name == name }?.value ?? "–"
            lines.append((one == other ? "  " : "✗ ") + Self.columns(name, one, other))
        }
        let length = Self.columns("bytes", "\(expected.count)", "\(actual.count)")
        lines.append((expected.count == actual.count ? "  " : "✗ ") + length)
        if let first = zip(expected, actual).enumerated().first(where: { $1.0 != $1.1 })?.offset {
            lines.append("✗ first byte that differs: \(first)")
        }
        lines += right.faults.map { "✗ actual: \($0)" }
        description = "\n" + lines.joined(separator: "\n")
    }

    private static func columns(_ name: String, _ left: String, _ right: String) -> String {
        pad(name, 14) + pad(left, 44) + " | " + right
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
