// SPDX-License-Identifier: Apache-2.0

extension OutputSpan<UInt8> {
    /// Appends a number in decimal.
    mutating func append(decimal value: UInt64) {
        let start = count
        var rest = value
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit))
            rest = quotient
        } while rest > 0
        reverse(from: start)
    }

    /// Digits come last one first.
    private mutating func reverse(from start: Int) {
        var left = start
        var right = count &- 1
        while left < right {
            let byte = self[left]
            self[left] = self[right]
            self[right] = byte
            left &+= 1
            right &-= 1
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
