// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// Flags of a TCP header.
public struct TCPFlags: OptionSet, Sendable, Hashable {
    /// Byte 13 of the header.
    public let rawValue: UInt8
    /// Flags from byte 13.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// No more data follows.
    public static let fin = TCPFlags(rawValue: 0x01)
    /// Begins a connection.
    public static let syn = TCPFlags(rawValue: 0x02)
    /// Ends it at once.
    public static let rst = TCPFlags(rawValue: 0x04)
    /// Hand this on.
    public static let psh = TCPFlags(rawValue: 0x08)
    /// The acknowledgement counts.
    public static let ack = TCPFlags(rawValue: 0x10)
    /// The urgent pointer counts.
    public static let urg = TCPFlags(rawValue: 0x20)
}

/// An IPv6 extension header; the body is padded to whole units of 8 bytes.
public struct IPv6Extension: Sendable, Equatable {
    /// 0: hop by hop, 60: destination options, others as assigned.
    public var kind: UInt8
    /// What follows the two bytes of next header and length.
    public var body: [UInt8]

    /// An extension header.
    public init(_ kind: UInt8, _ body: [UInt8]) {
        self.kind = kind
        self.body = body
    }

    func encoded(next: UInt8) -> [UInt8] {
        let padding = (8 - (body.count + 2) % 8) % 8
        let units = (body.count + 2 + padding) / 8
        // Pad1 options fill what is left.
        return [next, UInt8(units - 1)] + body + [UInt8](repeating: 0, count: padding)
    }
}

/// A TCP packet stated field by field; `bytes` has right lengths and checksums.
public struct TestPacket: Sendable, Equatable {
    /// Destination and source MAC; nil: no Ethernet header.
    public var link: [UInt8]? = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]
    /// Addresses and ports; the family of the source is the packet's.
    public var tuple: FlowTuple
    /// TTL or hop limit.
    public var timeToLive: UInt8 = 64
    /// IPv4 options, a multiple of 4 bytes.
    public var ipOptions: [UInt8] = []
    /// IPv6 extension headers in their order.
    public var extensions: [IPv6Extension] = []
    /// The sequence number.
    public var sequence: UInt32 = 0
    /// The acknowledgement; written even without the flag.
    public var acknowledgement: UInt32 = 0
    /// Flags.
    public var flags: TCPFlags = [.ack]
    /// Window as on the wire.
    public var window: UInt16 = 0x1234
    /// Options; filled up with zeros to a multiple of 4 bytes.
    public var options: [TCPOption] = []
    /// Data.
    public var payload: [UInt8] = []

    /// An empty ACK.
    public init(_ tuple: FlowTuple) { self.tuple = tuple }

    /// Whether the packet is IPv6.
    public var isIPv6: Bool { !tuple.source.address.isIPv4 }
    /// Where the IP header begins.
    public var ipOffset: Int { link == nil ? 0 : 14 }
    /// Where the TCP header begins.
    public var tcpOffset: Int {
        let extensionBytes = extensions.reduce(0) { $0 + $1.encoded(next: 0).count }
        return ipOffset + (isIPv6 ? 40 + extensionBytes : 20 + ipOptions.count)
    }
    /// Where the data begins.
    public var payloadOffset: Int { tcpOffset + 20 + encodedOptions.count }

    /// The packet as on the wire.
    public var bytes: [UInt8] {
        var tcp = tcpHeader + payload
        let sum = tcpChecksum(of: tcp, from: tuple.source.address, to: tuple.destination.address)
        tcp.replaceSubrange(16..<18, with: bigEndian(sum))
        let ip = isIPv6 ? ipv6Header(over: tcp.count) : ipv4Header(over: tcp.count)
        return linkHeader + ip + tcp
    }

    private var linkHeader: [UInt8] {
        guard let link else { return [] }
        return link + bigEndian(isIPv6 ? 0x86dd : 0x0800 as UInt16)
    }

    private var encodedOptions: [UInt8] {
        let bytes = options.flatMap(\.encoded)
        return bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
    }

    private var tcpHeader: [UInt8] {
        let options = encodedOptions
        precondition(options.count <= 40)
        return bigEndian(tuple.source.port) + bigEndian(tuple.destination.port)
            + bigEndian(sequence) + bigEndian(acknowledgement)
            + [UInt8((20 + options.count) / 4) << 4, flags.rawValue] + bigEndian(window)
            + [0, 0, 0, 0] + options
    }

    private func ipv4Header(over length: Int) -> [UInt8] {
        let size = 20 + ipOptions.count
        var header: [UInt8] =
            [0x40 | UInt8(size / 4), 0] + bigEndian(UInt16(size + length))
            + [0xbe, 0xef, 0x40, 0, timeToLive, 6, 0, 0]
            + bigEndian(tuple.source.address.v4 ?? 0)
            + bigEndian(tuple.destination.address.v4 ?? 0) + ipOptions
        var sum = InternetChecksum()
        sum.add(header.span)
        header.replaceSubrange(10..<12, with: bigEndian(sum.checksum))
        return header
    }

    private func ipv6Header(over length: Int) -> [UInt8] {
        var chain: [UInt8] = []
        for (index, header) in extensions.enumerated() {
            let next = index + 1 < extensions.count ? extensions[index + 1].kind : 6
            chain += header.encoded(next: next)
        }
        return [0x60, 0x01, 0x23, 0x45] + bigEndian(UInt16(chain.count + length))
            + [extensions.first?.kind ?? 6, timeToLive]
            + octets(tuple.source.address) + octets(tuple.destination.address) + chain
    }
}

/// The 16 bytes of an address.
private func octets(_ address: IPAddress) -> [UInt8] { (0..<16).map { address[$0] } }

/// The checksum of a TCP header and data in which the checksum field is zero.
func tcpChecksum(of tcp: [UInt8], from source: IPAddress, to destination: IPAddress) -> UInt16 {
    var sum = InternetChecksum()
    sum.add(source)
    sum.add(destination)
    sum.add(UInt32(tcp.count))
    sum.add(UInt16(6))
    sum.add(tcp.span)
    return sum.checksum
}
