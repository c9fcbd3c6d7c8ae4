// SPDX-License-Identifier: Apache-2.0

extension OutputSpan<UInt8> {
    /// Appends a number in decimal.
    mutating func append(decimal value: UInt64) {
        if value < 10 { return append(Self.digit(value)) }
        if value < 100_000_000 {
            let digits = Self.eightDigits(value)
            let zeros = digits.trailingZeroBitCount / 8
            return append(characters: Self.text(digits) >> UInt64(8 * zeros), count: 8 - zeros)
        }
        append(decimal: value / 100_000_000)
        append(characters: Self.text(Self.eightDigits(value % 100_000_000)), count: 8)
    }

    private static func digit(_ value: UInt64) -> UInt8 {
        UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value)
    }

    /// The digits of a number below 10⁸, a byte each, the first in the lowest byte. Two numbers of
    /// four digits are split at once, then four of two: multiplications stand for divisions.
    private static func eightDigits(_ value: UInt64) -> UInt64 {
        let fours = (value / 10_000) | ((value % 10_000) << 32)
        let hundreds = ((fours &* 10_486) >> 20) & 0x7f_0000_007f
        let twos = hundreds | ((fours &- hundreds &* 100) << 16)
        let tens = ((twos &* 103) >> 10) & 0x000f_000f_000f_000f
        return tens | ((twos &- tens &* 10) << 8)
    }

    /// Digits as characters.
    private static func text(_ digits: UInt64) -> UInt64 { digits | 0x3030_3030_3030_3030 }

    /// Appends the first characters of eight, the lowest byte being the first: a single copy, of
    /// which the others are taken back.
    private mutating func append(characters: UInt64, count length: Int) {
        let start = count
        append(repeating: 0, count: 8)
        var room = mutableSpan
        for index in 0..<8 {
            room[start &+ index] = UInt8(truncatingIfNeeded: characters >> UInt64(8 * index))
        }
        removeLast(8 - length)
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
