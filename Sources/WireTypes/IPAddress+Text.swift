// SPDX-License-Identifier: Apache-2.0

extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
    /// The address written as `192.0.2.1` or `2001:db8::1`; nil for anything else.
    ///
    /// Leading zeros in IPv4 parts, zone ids and brackets are refused. `::ffff:192.0.2.1` is the
    /// IPv4 address 192.0.2.1.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        if bytes.contains(UInt8(ascii: ":")) {
            guard let value = Self.parseIPv6(bytes) else { return nil }
            self = value
        } else {
            guard let value = Self.parseIPv4(bytes[...]) else { return nil }
            self.init(v4: value)
        }
    }

    /// Dotted decimal, or RFC 5952 text (lower case, longest run of zeros as `::`).
    public var description: String {
        if let v4 {
            return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)"
        }
        let groups = (0..<8).map { UInt16(self[$0 * 2]) << 8 | UInt16(self[$0 * 2 + 1]) }
        guard let zeros = Self.longestZeroRun(groups) else {
            return Self.joined(groups[...])
        }
        return Self.joined(groups[..<zeros.lowerBound]) + "::"
            + Self.joined(groups[zeros.upperBound...])
    }

    private static func joined(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }

    /// The first longest run of two or more zero groups (RFC 5952 §4.2).
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start >= 2, end - start > (best?.count ?? 1) { best = start..<end }
            start = max(end, start + 1)
        }
        return best
    }

    private static func parseIPv4(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0")
            else { return nil }
            var number: UInt32 = 0
            for digit in part {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
                number = number * 10 + UInt32(digit - UInt8(ascii: "0"))
            }
            guard number <= 255 else { return nil }
            value = value << 8 | number
        }
        return value
    }

    private static func parseIPv6(_ text: [UInt8]) -> IPAddress? {
        let colon = UInt8(ascii: ":")
        var gap: Int?
        var index = 0
        while index + 1 < text.count {
            if text[index] == colon, text[index + 1] == colon {
                guard gap == nil else { return nil }
                gap = index
                index += 1
            }
            index += 1
        }
        guard let gap else {
            guard let groups = parseGroups(text[...]), groups.count == 8 else { return nil }
            return IPAddress(groups: groups)
        }
        guard let head = parseGroups(text[..<gap], mayEndInIPv4: false),
            let tail = parseGroups(text[(gap + 2)...]), head.count + tail.count <= 7
        else { return nil }
        let zeros = [UInt16](repeating: 0, count: 8 - head.count - tail.count)
        return IPAddress(groups: head + zeros + tail)
    }

    /// Groups between colons; the last may be dotted decimal and then stands for two.
    private static func parseGroups(_ text: ArraySlice<UInt8>, mayEndInIPv4: Bool = true)
        -> [UInt16]?
    {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndInIPv4, index == parts.count - 1, let v4 = parseIPv4(part) {
                groups.append(UInt16(truncatingIfNeeded: v4 >> 16))
                groups.append(UInt16(truncatingIfNeeded: v4))
                continue
            }
            guard (1...4).contains(part.count) else { return nil }
            var group: UInt16 = 0
            for character in part {
                guard let digit = Character(UnicodeScalar(character)).hexDigitValue,
                    character < 128
                else { return nil }
                group = group << 4 | UInt16(digit)
            }
            groups.append(group)
        }
        return groups
    }

    private init(groups: [UInt16]) {
        var halves: (UInt64, UInt64) = (0, 0)
        for group in groups[0..<4] { halves.0 = halves.0 << 16 | UInt64(group) }
        for group in groups[4..<8] { halves.1 = halves.1 << 16 | UInt64(group) }
        self.init(high: halves.0, low: halves.1)
    }
}
