// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// A TCP segment that the daemon sends: a SYN to an endpoint, an RST, a client's bytes sent on.
public struct Segment: Sendable, Equatable {
    /// TCP flags of byte 13.
    public struct Flags: OptionSet, Sendable {
        /// The byte.
        public let rawValue: UInt8
        /// The byte.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// SYN.
        public static let syn = Flags(rawValue: 0x02)
        /// RST.
        public static let reset = Flags(rawValue: 0x04)
        /// PSH.
        public static let push = Flags(rawValue: 0x08)
        /// ACK.
        public static let acknowledge = Flags(rawValue: 0x10)
    }

    /// From where to where.
    public var tuple: FlowTuple
    /// Sequence number.
    public var sequence: UInt32
    /// Acknowledgement; sent as 0 without the flag.
    public var acknowledgement: UInt32 = 0
    /// Flags.
    public var flags: Flags
    /// Window as on the wire.
    public var window: UInt16 = 0
    /// MSS option; nil: none.
    public var mss: UInt16?
    /// Window scale option; nil: none.
    public var windowScale: UInt8?
    /// Whether SACK is permitted.
    public var permitsSACK = false
    /// TSval of the timestamps option; nil: none.
    public var timestamp: UInt32?
    /// TSecr of the timestamps option.
    public var timestampEcho: UInt32 = 0
    /// Data.
    public var payload: [UInt8] = []

    /// A segment without options and data.
    public init(tuple: FlowTuple, sequence: UInt32, flags: Flags) {
        self.tuple = tuple
        self.sequence = sequence
        self.flags = flags
    }

    private static let timeToLive: UInt8 = 64
    private static let tcp: UInt8 = 6

    /// Writes the whole IP packet, checksums included, into `packet`, whose memory is kept.
    public func write(into packet: inout [UInt8]) {
        packet.removeAll(keepingCapacity: true)
        let length = 20 + optionsLength + payload.count
        if tuple.source.address.isIPv4 {
            writeIPv4(&packet, length)
        } else {
            writeIPv6(&packet, length)
        }
        let start = packet.count
        writeTCP(&packet)
        packet += payload
        let sum = checksum(packet.span.extracting(start..<start + length), length)
        packet[start + 16] = UInt8(truncatingIfNeeded: sum >> 8)
        packet[start + 17] = UInt8(truncatingIfNeeded: sum)
    }

    private var optionsLength: Int {
        var length = mss == nil ? 0 : 4
        if timestamp != nil {
            length += 12
        } else if permitsSACK {
            length += 4
        }
        return windowScale == nil ? length : length + 4
    }

    private func checksum(_ segment: Span<UInt8>, _ length: Int) -> UInt16 {
        var sum = InternetChecksum()
        sum.add(tuple.source.address)
        sum.add(tuple.destination.address)
        sum.add(UInt16(Self.tcp))
        sum.add(UInt16(length))
        sum.add(segment)
        return sum.checksum
    }

    private func writeIPv4(_ packet: inout [UInt8], _ length: Int) {
        packet.append(0x45)
        packet.append(0)
        packet.append(big: UInt16(20 + length))
        packet.append(big: UInt16(0))  // identification: the kernel's, with DF of no meaning
        packet.append(big: UInt16(0x4000))  // don't fragment
        packet.append(Self.timeToLive)
        packet.append(Self.tcp)
        packet.append(big: UInt16(0))  // the kernel fills the header's checksum
        packet.append(big: tuple.source.address.v4 ?? 0)
        packet.append(big: tuple.destination.address.v4 ?? 0)
    }

    private func writeIPv6(_ packet: inout [UInt8], _ length: Int) {
        packet.append(big: UInt32(0x6000_0000))
        packet.append(big: UInt16(length))
        packet.append(Self.tcp)
        packet.append(Self.timeToLive)
        for address in [tuple.source.address, tuple.destination.address] {
            packet.append(big: UInt32(truncatingIfNeeded: address.high >> 32))
            packet.append(big: UInt32(truncatingIfNeeded: address.high))
            packet.append(big: UInt32(truncatingIfNeeded: address.low >> 32))
            packet.append(big: UInt32(truncatingIfNeeded: address.low))
        }
    }

    private func writeTCP(_ packet: inout [UInt8]) {
        packet.append(big: tuple.source.port)
        packet.append(big: tuple.destination.port)
        packet.append(big: sequence)
        packet.append(big: flags.contains(.acknowledge) ? acknowledgement : 0)
        packet.append(UInt8(5 + optionsLength / 4) << 4)
        packet.append(flags.rawValue)
        packet.append(big: window)
        packet.append(big: UInt32(0))  // checksum, filled by the caller; urgent pointer
        if let mss { packet.append(big: UInt32(0x0204_0000) | UInt32(mss)) }
        if let timestamp {
            packet.append(big: UInt32(permitsSACK ? 0x0402_080a : 0x0101_080a))
            packet.append(big: timestamp)
            packet.append(big: timestampEcho)
        } else if permitsSACK {
            packet.append(big: UInt32(0x0101_0402))
        }
        if let windowScale { packet.append(big: UInt32(0x0103_0300) | UInt32(windowScale)) }
    }
}

extension [UInt8] {
    fileprivate mutating func append(big value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    fileprivate mutating func append(big value: UInt32) {
        append(big: UInt16(truncatingIfNeeded: value >> 16))
        append(big: UInt16(truncatingIfNeeded: value))
    }
}
