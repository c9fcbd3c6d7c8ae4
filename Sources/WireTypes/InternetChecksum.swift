// SPDX-License-Identifier: Apache-2.0

/// A one's complement sum under way (RFC 1071).
public struct InternetChecksum: Sendable {
    private var sum: UInt64 = 0
    private var isOdd = false

    /// An empty sum.
    public init() {}

    /// Adds a 16-bit word in host order. Behind an odd run its bytes lie across two words of the
    /// sum, which is the same as adding it swapped (RFC 1071 §2).
    public mutating func add(_ word: UInt16) {
        sum &+= UInt64(isOdd ? word.byteSwapped : word)
    }

    /// Adds a 32-bit word in host order.
    public mutating func add(_ word: UInt32) {
        add(UInt16(truncatingIfNeeded: word >> 16))
        add(UInt16(truncatingIfNeeded: word))
    }

    /// Adds an address as it stands in a pseudo-header: 4 bytes of IPv4, 16 of IPv6.
    public mutating func add(_ address: IPAddress) {
        if let v4 = address.v4 { return add(v4) }
        for half in [address.high, address.low] {
            add(UInt32(truncatingIfNeeded: half >> 32))
            add(UInt32(truncatingIfNeeded: half))
        }
    }

    /// Adds bytes; an odd run is continued by the next call.
    public mutating func add(_ bytes: Span<UInt8>) {
        var index = 0
        if isOdd, !bytes.isEmpty {
            sum &+= UInt64(bytes[0])
            index = 1
            isOdd = false
        }
        while index + 1 < bytes.count {
            sum &+= UInt64(bytes[index]) << 8 | UInt64(bytes[index + 1])
            index += 2
        }
        if index < bytes.count {
            sum &+= UInt64(bytes[index]) << 8
            isOdd = true
        }
    }

    /// The sum folded to 16 bits, host order, not complemented.
    public var folded: UInt16 {
        var value = sum
        while value >> 16 != 0 { value = (value & 0xffff) + (value >> 16) }
        return UInt16(value)
    }

    /// The checksum as it stands in a header, host order.
    public var checksum: UInt16 { ~folded }
}
