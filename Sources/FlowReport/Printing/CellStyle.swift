// SPDX-License-Identifier: Apache-2.0

/// How a cell is written.
enum CellStyle {
    /// Human units; nothing there is `-`.
    case human
    /// Exact numbers, seconds for durations; nothing there is `-`.
    case exact
    /// Exact numbers, nanoseconds for durations; nothing there is empty. For CSV.
    case raw
}
