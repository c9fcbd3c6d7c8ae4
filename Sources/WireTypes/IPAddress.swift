// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address.
///
/// Stored as the 16 bytes of an IPv6 address in two big halves; IPv4 is mapped,
/// `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2), as the flow map has it.
public struct IPAddress: Hashable, Sendable, Comparable {
    /// Bytes 0…7, the first byte on the wire being the most significant.
    public let high: UInt64
    /// Bytes 8…15, likewise.
    public let low: UInt64

    private static let mappedPrefix: UInt64 = 0xffff

    /// An address from its two halves, most significant byte first on the wire.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An IPv4 address; `value` is in host order, `0x0a000001` is 10.0.0.1.
    public init(v4 value: UInt32) {
        high = 0
        low = Self.mappedPrefix << 32 | UInt64(value)
    }

    /// The IPv4 address in host order, or nil for IPv6.
    public var v4: UInt32? { isIPv4 ? UInt32(truncatingIfNeeded: low) : nil }

    /// Whether this is an IPv4 address.
    public var isIPv4: Bool { high == 0 && low >> 32 == Self.mappedPrefix }

    /// Whether this is `0.0.0.0` or `::`.
    public var isUnspecified: Bool { self == .anyIPv4 || self == .anyIPv6 }

    /// Whether this is in 127.0.0.0/8 or is `::1`.
    public var isLoopback: Bool {
        if let v4 { return v4 >> 24 == 127 }
        return high == 0 && low == 1
    }

    /// Whether this is link-local: 169.254.0.0/16 or fe80::/10.
    public var isLinkLocal: Bool {
        if let v4 { return v4 >> 16 == 0xa9fe }
        return high >> 54 == 0x3fa
    }

    /// Whether one host may have it: neither unspecified nor multicast, nor 255.255.255.255.
    public var isUnicast: Bool {
        if isUnspecified { return false }
        if let v4 { return v4 >> 28 != 0xe && v4 != .max }
        return high >> 56 != 0xff
    }

    /// `0.0.0.0`.
    public static let anyIPv4 = IPAddress(v4: 0)
    /// `::`.
    public static let anyIPv6 = IPAddress(high: 0, low: 0)

    /// Byte `index` (0…15) as on the wire.
    public subscript(index: Int) -> UInt8 {
        let half = index < 8 ? high : low
        return UInt8(truncatingIfNeeded: half >> UInt64(56 - (index & 7) * 8))
    }

    /// Orders IPv4 before IPv6, then by value.
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        if left.isIPv4 != right.isIPv4 { return left.isIPv4 }
        return (left.high, left.low) < (right.high, right.low)
    }
}
