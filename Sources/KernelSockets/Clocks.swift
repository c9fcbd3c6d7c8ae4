// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension Duration {
    /// Whole nanoseconds, 0 for negative durations, saturating.
    public var nanoseconds: UInt64 { UInt64(clamping: attoseconds / 1_000_000_000) }
}

/// CLOCK_MONOTONIC, the clock that BPF and the flow map have too.
public enum MonotonicClock {
    /// Nanoseconds since boot, suspend not counted.
    public static var nanoseconds: UInt64 { read(CLOCK_MONOTONIC) }

    /// Nanoseconds of processor time that the calling thread has had.
    public static var processorNanoseconds: UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }

    fileprivate static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        // Cannot fail: the clock exists and the pointer is ours.
        _ = unsafe clock_gettime(clock, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

/// CLOCK_REALTIME, the clock of calendars.
public enum WallClock {
    /// Nanoseconds since 1970.
    public static var nanoseconds: UInt64 { MonotonicClock.read(CLOCK_REALTIME) }
}
