// SPDX-License-Identifier: Apache-2.0

extension OutputSpan<UInt8> {
    /// Appends a number in decimal.
    mutating func append(decimal value: UInt64) {
        if value < 10 { return append(Self.digit(value)) }
        if value < 1000 { return append(padded: value, digits: value < 100 ? 2 : 3) }
        append(decimal: value / 1000)
        append(padded: value % 1000, digits: 3)
    }

    private static func digit(_ value: UInt64) -> UInt8 {
        UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value)
    }

    /// Appends a number in decimal, with its sign when it is negative.
    mutating func append(decimal value: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(decimal: UInt64(value.magnitude))
    }

    /// Appends nanoseconds as seconds with three decimals, cut and not rounded.
    mutating func append(secondsOf nanoseconds: UInt64) {
        let milliseconds = nanoseconds / 1_000_000
        append(decimal: milliseconds / 1000)
        append(UInt8(ascii: "."))
        append(padded: milliseconds % 1000, digits: 3)
    }

    /// Appends the last `digits` digits (at most three) with leading zeros.
    mutating func append(padded value: UInt64, digits: Int) {
        if digits > 2 { append(Self.digit(value / 100 % 10)) }
        if digits > 1 { append(Self.digit(value / 10 % 10)) }
        append(Self.digit(value % 10))
    }
}
