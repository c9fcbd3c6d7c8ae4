// SPDX-License-Identifier: Apache-2.0

/// Text of strangers (an SNI) and of configurations: nothing of it may steer a terminal, add a
/// column, or end a quoted field.
extension OutputSpan<UInt8> {
    /// Appends text in which everything but visible ASCII, and `\`, stands as `\xNN`: one byte is
    /// one column, and a field holds no space.
    mutating func append(visible text: String) {
        if Self.isPlain(text) { return append(literal: text) }
        for byte in text.utf8 { append(escaped: byte, orKeptIf: byte > 0x20) }
    }

    /// Appends a field of RFC 4180: as `append(visible:)`, but a space stays; quoted when it must.
    mutating func append(csv text: String) {
        if Self.isPlain(text) { return append(literal: text) }
        let needsQuotes = text.utf8.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") }
        if needsQuotes { append(UInt8(ascii: "\"")) }
        for byte in text.utf8 {
            append(escaped: byte, orKeptIf: byte >= 0x20)
            if byte == UInt8(ascii: "\"") { append(byte) }
        }
        if needsQuotes { append(UInt8(ascii: "\"")) }
    }

    /// Appends a JSON string (RFC 8259 §7), quotes included; everything but ASCII as `\uNNNN`.
    mutating func append(json text: String) {
        append(UInt8(ascii: "\""))
        if Self.isPlain(text) {
            append(literal: text)
        } else {
            for unit in text.utf16 { append(jsonUnit: unit) }
        }
        append(UInt8(ascii: "\""))
    }

    private mutating func append(escaped byte: UInt8, orKeptIf isKept: Bool) {
        if isKept, byte < 0x7f, byte != UInt8(ascii: "\\") { return append(byte) }
        append(literal: "\\x")
        append(Self.hexadecimalDigit(byte >> 4))
        append(Self.hexadecimalDigit(byte & 15))
    }

    private mutating func append(jsonUnit unit: UInt16) {
        switch unit {
        case 0x22, 0x5c:
            append(UInt8(ascii: "\\"))
            append(UInt8(truncatingIfNeeded: unit))
        case 0x20..<0x7f:
            append(UInt8(truncatingIfNeeded: unit))
        default:
            append(literal: "\\u")
            for nibble in 0..<4 {
                let digit = unit >> UInt16(12 - 4 * nibble) & 15
                append(Self.hexadecimalDigit(UInt8(truncatingIfNeeded: digit)))
            }
        }
    }

    /// Whether the text needs no escape in any format: what every checked `ServerName` is.
    private static func isPlain(_ text: String) -> Bool {
        let bytes = text.utf8Span.span
        for index in bytes.indices where !isPlain(bytes[index]) { return false }
        return true
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "-")...UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: ":"),
            UInt8(ascii: "_"):
            true
        default:
            false
        }
    }
}
