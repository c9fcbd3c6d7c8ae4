// SPDX-License-Identifier: Apache-2.0

/// CLOCK_MONOTONIC, the clock of the flow table. On Linux that is Swift's `SuspendingClock`.
enum MonotonicClock {
    static var nowNanoseconds: UInt64 {
        let clock = SuspendingClock()
        let (seconds, attoseconds) = clock.systemEpoch.duration(to: clock.now).components
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
