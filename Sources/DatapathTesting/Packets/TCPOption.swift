// SPDX-License-Identifier: Apache-2.0

/// A block of a SACK option: bytes from `left` up to `right`.
public struct SACKBlock: Sendable, Equatable {
    /// The first byte's sequence number.
    public var left: UInt32
    /// The sequence number behind the last byte.
    public var right: UInt32

    /// A block between two edges.
    public init(_ left: UInt32, _ right: UInt32) {
        self.left = left
        self.right = right
    }
}

/// One TCP option as it stands in a header.
public enum TCPOption: Sendable, Equatable {
    /// End of the list.
    case endOfList
    /// One byte of padding.
    case nop
    /// The largest segment its sender takes.
    case maximumSegment(UInt16)
    /// The window scale its sender offers.
    case windowScale(UInt8)
    /// SACK may be sent.
    case sackPermitted
    /// Selective acknowledgements.
    case sack([SACKBlock])
    /// TSval and TSecr.
    case timestamps(UInt32, UInt32)
    /// An option by kind and body, of correct length.
    case other(UInt8, [UInt8])
    /// Bytes that need not make sense.
    case bytes([UInt8])

    /// As in a header.
    var encoded: [UInt8] {
        switch self {
        case .endOfList: [0]
        case .nop: [1]
        case .maximumSegment(let size): [2, 4] + bigEndian(size)
        case .windowScale(let scale): [3, 3, scale]
        case .sackPermitted: [4, 2]
        case .sack(let blocks):
            [5, UInt8(2 + 8 * blocks.count)]
                + blocks.flatMap { bigEndian($0.left) + bigEndian($0.right) }
        case .timestamps(let value, let echo): [8, 10] + bigEndian(value) + bigEndian(echo)
        case .other(let kind, let body): [kind, UInt8(2 + body.count)] + body
        case .bytes(let bytes): bytes
        }
    }
}

/// The bytes of an integer as on the wire.
func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}
