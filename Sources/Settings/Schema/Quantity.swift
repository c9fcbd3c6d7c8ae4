// SPDX-License-Identifier: Apache-2.0

/// A number in plain digits: no sign, no blanks, no underscores.
func decimal(_ text: some StringProtocol) -> Int? {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard text.utf8.allSatisfy({ digits.contains($0) }) else { return nil }
    return Int(text)
}

/// A number and its unit, which may be empty.
private func quantity(_ text: String) -> (number: Int, unit: String)? {
    let digits = text.prefix { ("0"..."9").contains($0) }
    guard let number = decimal(digits) else { return nil }
    return (number, String(text[digits.endIndex...]))
}

/// A duration as the configuration writes it: `500ms`, `10s`, `1m`, `24h`.
func settingsDuration(_ text: String) -> Duration? {
    let milliseconds = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
    guard let (number, unit) = quantity(text), let factor = milliseconds[unit] else { return nil }
    let (product, isTooLarge) = number.multipliedReportingOverflow(by: factor)
    return isTooLarge ? nil : .milliseconds(product)
}

extension Duration {
    /// The duration that a word of the configuration or of a command line means: `500ms`, `10s`, `1m`,
    /// `24h`; nil: none.
    public init?(setting text: String) {
        guard let duration = settingsDuration(text) else { return nil }
        self = duration
    }
}

/// The shortest way to write a duration of whole milliseconds.
func durationText(_ duration: Duration) -> String {
    let milliseconds = Int(duration / .milliseconds(1))
    for (unit, factor) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)]
    where milliseconds >= factor && milliseconds % factor == 0 {
        return "\(milliseconds / factor)\(unit)"
    }
    return "\(milliseconds)ms"
}

/// A number of bytes as the configuration writes it: `65536`, `64k`, `64KiB`, `1MiB`; k is 1024.
func bytes(_ text: String) -> Int? {
    guard let (number, unit) = quantity(text) else { return nil }
    let factor: Int
    switch unit {
    case "", "B": factor = 1
    case "k", "K", "KiB": factor = 1024
    case "M", "MiB": factor = 1024 * 1024
    default: return nil
    }
    let (product, isTooLarge) = number.multipliedReportingOverflow(by: factor)
    return isTooLarge ? nil : product
}

/// A number of bytes in the largest unit that divides it.
func sizeText(_ bytes: Int) -> String {
    if bytes > 0, bytes % (1024 * 1024) == 0 { return "\(bytes / (1024 * 1024))MiB" }
    if bytes > 0, bytes % 1024 == 0 { return "\(bytes / 1024)KiB" }
    return String(bytes)
}

/// `a`, `a or b`, `a, b or c`.
func alternatives(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or " + last
}
