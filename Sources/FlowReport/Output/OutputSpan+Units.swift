// SPDX-License-Identifier: Apache-2.0

/// Numbers as people read them, short enough for a column: two to three digits that matter.
extension OutputSpan<UInt8> {
    /// Appends a byte count in binary units, at most four characters: `1023`, `1.2M` (MiB), `34G`.
    mutating func append(humanBytes value: UInt64) {
        append(scaled: value, by: 1024, unit: UInt8(ascii: "K"))
    }

    /// Appends a count in decimal units, at most four characters: `999`, `1.2k`, `34M`.
    mutating func append(humanCount value: UInt64) {
        append(scaled: value, by: 1000, unit: UInt8(ascii: "k"))
    }

    /// `first` is the unit of one step.
    private mutating func append(scaled value: UInt64, by step: UInt64, unit first: UInt8) {
        if value < step { return append(decimal: value) }
        let units: InlineArray<6, UInt8> = [
            first, UInt8(ascii: "M"), UInt8(ascii: "G"), UInt8(ascii: "T"), UInt8(ascii: "P"),
            UInt8(ascii: "E"),
        ]
        var unit = 0
        var size = step
        while unit < 5, value / size >= 1000 {
            unit += 1
            size *= step
        }
        let whole = value / size
        append(decimal: whole)
        if whole < 10 {
            append(UInt8(ascii: "."))
            // Ten times what is less than 2⁶⁰ fits in 64 bits.
            append(decimal: value % size * 10 / size)
        }
        append(units[unit])
    }

    /// Appends a duration in at most five characters: `450ms`, `9.9s`, `3m12s`, `42m`, `9h05m`,
    /// `71h`, `12d`.
    mutating func append(humanDuration nanoseconds: UInt64) {
        let milliseconds = nanoseconds / 1_000_000
        let seconds = milliseconds / 1000
        switch seconds {
        case 0:
            append(decimal: milliseconds, unit: "ms")
        case 1..<10:
            append(decimal: seconds, unit: ".")
            append(decimal: milliseconds / 100 % 10, unit: "s")
        case 10..<60:
            append(decimal: seconds, unit: "s")
        case 60..<600:
            append(decimal: seconds / 60, unit: "m")
            append(padded: seconds % 60, digits: 2)
            append(literal: "s")
        case 600..<3600:
            append(decimal: seconds / 60, unit: "m")
        default:
            append(humanHours: seconds / 60)
        }
    }

    private mutating func append(humanHours minutes: UInt64) {
        let hours = minutes / 60
        switch hours {
        case 0..<10:
            append(decimal: hours, unit: "h")
            append(padded: minutes % 60, digits: 2)
            append(literal: "m")
        case 10..<96:
            append(decimal: hours, unit: "h")
        default:
            append(decimal: hours / 24, unit: "d")
        }
    }

    private mutating func append(decimal value: UInt64, unit: String) {
        append(decimal: value)
        append(literal: unit)
    }
}
