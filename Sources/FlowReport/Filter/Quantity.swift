// SPDX-License-Identifier: Apache-2.0

/// Numbers with units as a filter has them.
enum Quantity {
    static let acceptedDuration = "a duration (90s, 1.5h, 1h30m; units ns, us, ms, s, m, h, d, w)"
    static let acceptedBytes = "a size (1500, 64KiB, 1.5M, 2GB; K, M, G, T are binary as in tables)"
    static let acceptedCount = "a count (100, 10k, 2M)"

    private static let durationUnits: [String: UInt64] = [
        "ns": 1, "us": 1000, "µs": 1000, "ms": 1_000_000, "s": 1_000_000_000,
        "m": 60_000_000_000, "h": 3_600_000_000_000, "d": 86_400_000_000_000,
        "w": 604_800_000_000_000,
    ]

    private static let byteUnits: [String: UInt64] = [
        "": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
        "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
        "kb": 1000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000,
    ]

    private static let countUnits: [String: UInt64] = [
        "": 1, "k": 1000, "m": 1_000_000, "g": 1_000_000_000,
    ]

    /// Nanoseconds of a duration; a sum of parts such as `1h30m` is one. Zero needs no unit.
    static func nanoseconds(_ text: String) -> UInt64? {
        if text == "0" { return 0 }
        var rest = text.lowercased()[...]
        var sum: UInt64 = 0
        while !rest.isEmpty {
            let unit = rest.drop(while: isOfNumber)
            let end = unit.firstIndex(where: isOfNumber) ?? unit.endIndex
            guard
                let part = value(rest[..<unit.startIndex], unit[..<end], durationUnits)
            else { return nil }
            let (total, isTooLarge) = sum.addingReportingOverflow(part)
            if isTooLarge { return nil }
            sum = total
            rest = rest[end...]
        }
        return text.isEmpty ? nil : sum
    }

    /// Bytes of a size.
    static func bytes(_ text: String) -> UInt64? { single(text, byteUnits) }

    /// A plain count.
    static func count(_ text: String) -> UInt64? { single(text, countUnits) }

    private static func single(_ text: String, _ units: [String: UInt64]) -> UInt64? {
        let text = text.lowercased()
        let unit = text.drop(while: isOfNumber)
        return value(text[..<unit.startIndex], unit, units)
    }

    private static func isOfNumber(_ character: Character) -> Bool {
        character == "." || ("0"..."9").contains(character)
    }

    /// Digits with at most nine decimals, times the unit; nil when it is none or too large.
    private static func value(
        _ number: Substring, _ unit: Substring, _ units: [String: UInt64]
    ) -> UInt64? {
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard let size = units[String(unit)], parts.count <= 2, let whole = UInt64(parts[0])
        else { return nil }
        let (product, isTooLarge) = whole.multipliedReportingOverflow(by: size)
        if isTooLarge { return nil }
        guard parts.count == 2 else { return product }
        guard (1...9).contains(parts[1].utf8.count), let decimals = UInt64(parts[1]) else {
            return nil
        }
        let scale = (0..<parts[1].utf8.count).reduce(1.0) { scale, _ in scale * 10 }
        let fraction = UInt64(Double(decimals) / scale * Double(size))
        let (sum, overflows) = product.addingReportingOverflow(fraction)
        return overflows ? nil : sum
    }
}
