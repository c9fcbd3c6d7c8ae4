// SPDX-License-Identifier: Apache-2.0

/// Moments of rows are ticks of 2²⁴ ns of CLOCK_MONOTONIC, modulo 2³².
extension Row {
    /// The tick of a moment.
    public static func tick(at nanoseconds: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: nanoseconds >> 24)
    }

    /// So many ticks are an epoch.
    public static let epochLength: UInt32 = 8

    /// Whether the next hop is believed: in the epoch of the last packet, which left by it, alone.
    public func knowsWay(at tick: UInt32) -> Bool {
        nextHop.isKnown && tick / Self.epochLength == lastSeen / Self.epochLength
    }

    /// How many ticks ago the last packet came; less than none if it is of a tick ahead.
    func rest(at tick: UInt32) -> Int32 { Int32(bitPattern: tick &- lastSeen) }
}

extension World {
    /// The tick of now.
    var tick: UInt32 { Row.tick(at: now) }
}
