// SPDX-License-Identifier: Apache-2.0

extension OutputBuffer {
    /// Appends a number in decimal.
    mutating func append(decimal value: UInt64) {
        if value < 10 { return append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value)) }
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var index = 20
        var rest = value
        while rest > 0 {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            index &-= 1
            digits[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
        while index < 20 {
            append(digits[index])
            index &+= 1
        }
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
        if digits > 2 { append(decimal: value / 100 % 10) }
        if digits > 1 { append(decimal: value / 10 % 10) }
        append(decimal: value % 10)
    }
}
