// SPDX-License-Identifier: Apache-2.0

/// A TCP sequence or acknowledgement number, or a timestamp: arithmetic modulo 2³² (RFC 9293 §3.4).
public struct SequenceNumber: Hashable, Sendable, CustomStringConvertible {
    /// The number in host order.
    public let rawValue: UInt32

    /// The number in host order.
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// How far `other` lies ahead, −2³¹…2³¹−1.
    public func distance(to other: SequenceNumber) -> Int {
        Int(Int32(bitPattern: other.rawValue &- rawValue))
    }

    /// The number `count` bytes ahead.
    public func advanced(by count: Int) -> SequenceNumber {
        SequenceNumber(rawValue &+ UInt32(truncatingIfNeeded: count))
    }

    /// Whether this number comes before `other` in the half of the circle that they share.
    public func precedes(_ other: SequenceNumber) -> Bool { distance(to: other) > 0 }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}
