// SPDX-License-Identifier: Apache-2.0

/// A time as RFC 3339 writes it, UTC, to the millisecond: `2026-11-25T23:30:00.123Z`.
struct WallTime: CustomStringConvertible {
    /// Since 1970.
    let milliseconds: Int64

    var description: String {
        let days = milliseconds.quotient(by: 86_400_000)
        let rest = milliseconds - days * 86_400_000
        let (year, month, day) = Self.date(days)
        let seconds = rest / 1000
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))T"
            + "\(Self.padded(seconds / 3600, 2)):\(Self.padded(seconds / 60 % 60, 2)):"
            + "\(Self.padded(seconds % 60, 2)).\(Self.padded(rest % 1000, 3))Z"
    }

    /// The date of a day of the Gregorian calendar, counted from 1970-01-01 on. Years begin in March
    /// here, so that the day that some of them have more is their last (Hinnant's algorithm).
    private static func date(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = shifted.quotient(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, day)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}

extension Int64 {
    /// Rounded down.
    fileprivate func quotient(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
