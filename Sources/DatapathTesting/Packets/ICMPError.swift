// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// An ICMP or ICMPv6 error stated field by field; `bytes` has right lengths and checksums.
public struct ICMPError: Sendable, Equatable {
    /// Twelve bytes of MAC addresses; nil: no Ethernet header.
    public var link: [UInt8]? = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]
    /// Bytes 12 and 13 of the Ethernet header; nil: the protocol's.
    public var linkType: UInt16?
    /// Who sends it.
    public var source: IPAddress
    /// Whose packet is quoted.
    public var destination: IPAddress
    /// TTL or hop limit.
    public var timeToLive: UInt8 = 64
    /// IPv4 type of service.
    public var typeOfService: UInt8 = 0xc0
    /// ICMP type.
    public var type: UInt8
    /// ICMP code.
    public var code: UInt8 = 0
    /// The word behind the checksum: the MTU of "too big".
    public var word: UInt32 = 0
    /// The quoted packet, IP header first.
    public var quote: [UInt8]

    /// An error without Ethernet header fields of note.
    public init(
        from source: IPAddress, to destination: IPAddress, type: UInt8, quote: [UInt8]
    ) {
        self.source = source
        self.destination = destination
        self.type = type
        self.quote = quote
    }

    /// The packet as on the wire.
    public var bytes: [UInt8] {
        var message = [type, code, 0, 0] + bigEndian(word) + quote
        var sum = InternetChecksum()
        if !source.isIPv4 {
            sum.add(source)
            sum.add(destination)
            sum.add(UInt32(message.count))
            sum.add(UInt16(58))
        }
        sum.add(message.span)
        message.replaceSubrange(2..<4, with: bigEndian(sum.checksum))
        let header = source.isIPv4 ? ipv4Header(message.count) : ipv6Header(message.count)
        guard let link else { return header + message }
        let type = linkType ?? (source.isIPv4 ? 0x0800 : 0x86dd)
        return link + bigEndian(type) + header + message
    }

    private func ipv4Header(_ length: Int) -> [UInt8] {
        var header: [UInt8] =
            [0x45, typeOfService] + bigEndian(UInt16(20 + length))
            + [0, 0, 0, 0, timeToLive, 1, 0, 0] + bigEndian(source.v4 ?? 0)
            + bigEndian(destination.v4 ?? 0)
        var sum = InternetChecksum()
        sum.add(header.span)
        header.replaceSubrange(10..<12, with: bigEndian(sum.checksum))
        return header
    }

    private func ipv6Header(_ length: Int) -> [UInt8] {
        [0x60, 0, 0, 0] + bigEndian(UInt16(length)) + [58, timeToLive]
            + (0..<16).map { source[$0] } + (0..<16).map { destination[$0] }
    }
}
