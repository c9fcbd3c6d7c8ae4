// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// So many connections in a second or a minute.
public struct ConnectionRate: Hashable, Sendable {
    /// How many.
    public let count: Int
    /// Whether it is a minute.
    public let isPerMinute: Bool

    /// A rate of at least one connection.
    public init(_ count: Int, perMinute isPerMinute: Bool = false) {
        precondition(count > 0)
        self.count = count
        self.isPerMinute = isPerMinute
    }

    /// Nanoseconds from one connection to the next.
    public var interval: UInt64 { (isPerMinute ? 60 : 1) * 1_000_000_000 / UInt64(count) }
}

/// What the clients of one block of addresses may do, all together.
public struct SourceLimit: Hashable, Sendable {
    /// How many connections they may have; nil: as many as they like.
    public var connections: Int?
    /// How often they may open one; nil: as often as they like.
    public var rate: ConnectionRate?
    /// How many they may open at once after a silence; nil: what the rate is for a second, at least
    /// one.
    public var burst: Int?
    /// How many leading bits of an IPv4 address make a block.
    public var prefixLengthV4 = 32
    /// The same of an IPv6 address.
    public var prefixLengthV6 = 64
    /// What happens to those above.
    public var refusal = Refusal.drop
    /// Whether those above are only counted.
    public var isDryRun = false

    /// No limit.
    public init() {}

    /// The block that a client belongs to.
    public func block(of address: IPAddress) -> AddressBlock? {
        AddressBlock(
            around: address, prefixLength: address.isIPv4 ? prefixLengthV4 : prefixLengthV6)
    }

    /// How far connections may be ahead of an even pace, in nanoseconds.
    public var tolerance: UInt64 {
        guard let rate else { return 0 }
        let burst = burst ?? (rate.isPerMinute ? max(rate.count / 60, 1) : rate.count)
        return UInt64(burst - 1) * rate.interval
    }
}

/// How fast the clients of each block open connections: for those that the datapath does not see.
public final class SourcePaces: Sendable {
    private let limit: SourceLimit
    private let due = Shards<UInt64>()

    /// No connection yet.
    public init(_ limit: SourceLimit) { self.limit = limit }

    /// Whether a client may connect now; then its block's turn is taken. `now`: CLOCK_MONOTONIC
    /// nanoseconds.
    public func take(_ source: IPAddress, now: UInt64) -> Bool {
        guard let rate = limit.rate, let block = limit.block(of: source) else { return true }
        return due.with(block) { due in
            let from = max(due[block] ?? now, now)
            guard from - now <= limit.tolerance else { return false }
            // Who is not ahead need not be remembered. Looked at only before the dictionary would
            // double.
            if due.count >= 4096, due.count == due.capacity {
                due = due.filter { $0.value > now }
            }
            due[block] = from + rate.interval
            return true
        }
    }
}
