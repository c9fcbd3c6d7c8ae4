// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

extension OutputSpan<UInt8> {
    /// Appends `192.0.2.1:443` or `[2001:db8::1]:443`.
    mutating func append(_ value: TransportAddress) {
        if let v4 = value.address.v4 {
            append(dotted: v4)
        } else {
            append(UInt8(ascii: "["))
            append(groupsOf: value.address)
            append(UInt8(ascii: "]"))
        }
        append(UInt8(ascii: ":"))
        append(decimal: UInt64(value.port))
    }

    private mutating func append(dotted v4: UInt32) {
        append(octet: v4 >> 24)
        append(UInt8(ascii: "."))
        append(octet: v4 >> 16 & 255)
        append(UInt8(ascii: "."))
        append(octet: v4 >> 8 & 255)
        append(UInt8(ascii: "."))
        append(octet: v4 & 255)
    }

    private mutating func append(octet value: UInt32) {
        let digits = UInt8(ascii: "0")
        let value = UInt8(truncatingIfNeeded: value)
        if value >= 100 { append(digits &+ value / 100) }
        if value >= 10 { append(digits &+ value / 10 % 10) }
        append(digits &+ value % 10)
    }

    /// The text of RFC 5952: lower case, the first longest run of zero groups as `::`.
    private mutating func append(groupsOf address: IPAddress) {
        let zeros = Self.longestZeroRun(address)
        var index = 0
        while index < 8 {
            if index == zeros.start, zeros.count > 1 {
                append(literal: "::")
                index += zeros.count
                continue
            }
            if index > 0, index != zeros.start + zeros.count || zeros.count < 2 {
                append(UInt8(ascii: ":"))
            }
            append(hexadecimal: Self.group(address, index))
            index += 1
        }
    }

    private static func group(_ address: IPAddress, _ index: Int) -> UInt16 {
        let half = index < 4 ? address.high : address.low
        return UInt16(truncatingIfNeeded: half >> UInt64(48 - (index & 3) * 16))
    }

    private static func longestZeroRun(_ address: IPAddress) -> (start: Int, count: Int) {
        var best = (start: 0, count: 0)
        var run = 0
        for index in 0..<8 {
            run = group(address, index) == 0 ? run + 1 : 0
            if run > best.count { best = (index + 1 - run, run) }
        }
        return best
    }

    private mutating func append(hexadecimal value: UInt16) {
        var isLeading = true
        for nibble in 0..<4 {
            let shift = UInt16(12 - 4 * nibble)
            let digit = UInt8(truncatingIfNeeded: value >> shift & 15)
            if digit == 0, isLeading, shift > 0 { continue }
            isLeading = false
            append(Self.hexadecimalDigit(digit))
        }
    }

    static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

extension OutputSpan<UInt8> {
    /// How long the `:443` or `]:443` is that ends the address written since `start`.
    func lengthOfPort(from start: Int) -> Int {
        var colon = count - 1
        while colon > start, self[colon] != UInt8(ascii: ":") { colon -= 1 }
        let isBracketed = colon > start && self[colon - 1] == UInt8(ascii: "]")
        return count - colon + (isBracketed ? 1 : 0)
    }
}
