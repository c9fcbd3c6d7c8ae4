// SPDX-License-Identifier: Apache-2.0

/// An address; IPv4 is mapped into IPv6 (RFC 4291 §2.5.5.2).
public struct Address: Hashable, Sendable {
    /// The first eight bytes.
    public var high: UInt64
    /// The last eight bytes.
    public var low: UInt64

    /// An IPv6 address.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An IPv4 address.
    public init(v4: UInt32) { self.init(high: 0, low: 0xffff_0000_0000 | UInt64(v4)) }

    /// Whether it stands for an IPv4 address.
    public var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }
    /// The IPv4 address, if it is one.
    public var v4: UInt32 { UInt32(truncatingIfNeeded: low) }
}

/// One direction of a TCP connection.
public struct Tuple: Hashable, Sendable {
    /// Where packets come from.
    public var source: Address
    /// Where they go.
    public var destination: Address
    /// The port they come from.
    public var sourcePort: UInt16
    /// The port they go to.
    public var destinationPort: UInt16

    /// A direction.
    public init(
        source: Address, destination: Address, sourcePort: UInt16, destinationPort: UInt16
    ) {
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
    }

    /// The other direction.
    public var reversed: Tuple {
        Tuple(
            source: destination, destination: source, sourcePort: destinationPort,
            destinationPort: sourcePort)
    }
}
