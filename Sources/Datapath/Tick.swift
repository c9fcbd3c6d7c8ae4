// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI

/// A moment of a row: CLOCK_MONOTONIC in ticks of 2²⁴ ns (17 ms), modulo 2³² (834 days).
package struct Tick: Sendable, Equatable {
    /// As rows have it; 0: none.
    package let value: UInt32

    /// So many ticks before a row's creation are no moment of it, but a clock that lags.
    private static let lag: UInt32 = 0xff

    /// As a row has it.
    package init(value: UInt32) { self.value = value }

    /// The tick that CLOCK_MONOTONIC nanoseconds are in; 0 nanoseconds: none.
    package init(nanoseconds: UInt64) {
        value = UInt32(truncatingIfNeeded: nanoseconds >> TICK_SHIFT)
    }

    /// CLOCK_MONOTONIC nanoseconds when it began, in the life of a row that was created then: not
    /// before that, and at its creation if it is none.
    package func nanoseconds(since created: UInt64) -> UInt64 {
        let first = created >> TICK_SHIFT
        let passed = value &- UInt32(truncatingIfNeeded: first)
        guard value != 0, passed <= UInt32.max - Self.lag else { return created }
        return max((first + UInt64(passed)) << TICK_SHIFT, created)
    }
}
