// SPDX-License-Identifier: Apache-2.0

/// How a listing is written.
public enum ReportFormat: String, Sendable, CaseIterable {
    /// Aligned, for people: cut to a width, human units.
    case table
    /// Aligned, every column, nothing cut, raw numbers.
    case wide
    /// One JSON document.
    case json
    /// One JSON object a line.
    case jsonl
    /// RFC 4180, with a header line.
    case csv
}
