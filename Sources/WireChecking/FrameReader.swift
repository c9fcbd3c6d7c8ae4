// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// Takes frames apart.
struct FrameReader {
    enum Reading {
        case tcp(TCPPacket)
        case icmp(ICMPError)
        /// Something else, or a fragment; the addresses, if it is IP.
        case other(IPAddress?, IPAddress?)
        case malformed(String)
        /// So damaged that it cannot be told what it was; its checksum, if it has one, is wrong.
        case corrupt
    }

    /// What stands between the link header and the transport header.
    struct Network {
        var source, destination: IPAddress
        var transport: UInt8
        var start: Int
        var end: Int
        /// Of the transport header and data, as stated: a quoted packet is cut.
        var length: Int
        var isHeaderRight: Bool
        var isFragment: Bool
    }

    let wire: Wire
    let link: Capture.Link

    func read(_ frame: CapturedFrame) -> Reading {
        guard frame.wireLength == frame.bytes.count else { return .malformed("a cut frame") }
        var at = 0
        if link == .ethernet {
            guard frame.bytes.count >= 14 else { return .malformed("no Ethernet header") }
            let type = frame.bytes.half(12)
            guard type == 0x0800 || type == 0x86dd else { return .other(nil, nil) }
            at = 14
        }
        guard let network = Self.network(frame.bytes, at) else {
            return .corrupt
        }
        if network.isFragment { return .other(network.source, network.destination) }
        switch network.transport {
        case 6: return tcp(frame, network)
        case 1, 58: return icmp(frame, network)
        default: return .other(network.source, network.destination)
        }
    }

    static func network(_ bytes: [UInt8], _ at: Int, isQuoted: Bool = false) -> Network? {
        guard at < bytes.count else { return nil }
        return bytes[at] >> 4 == 4
            ? ipv4(bytes, at, isQuoted: isQuoted) : ipv6(bytes, at, isQuoted: isQuoted)
    }

    private static func ipv4(_ bytes: [UInt8], _ at: Int, isQuoted: Bool) -> Network? {
        guard at + 20 <= bytes.count else { return nil }
        let size = Int(bytes[at] & 15) * 4
        // 0: a super-packet of over 64 KiB.
        let length = Int(bytes.half(at + 2))
        var end = length == 0 ? bytes.count : at + length
        if isQuoted { end = min(end, bytes.count) }
        guard size >= 20, at + size <= end, end <= bytes.count else { return nil }
        return Network(
            source: bytes.ipv4Address(at + 12), destination: bytes.ipv4Address(at + 16),
            transport: bytes[at + 9], start: at + size, end: end,
            length: (length == 0 ? bytes.count - at : length) - size,
            isHeaderRight: bytes.sum(at..<at + size) == 0xffff,
            isFragment: bytes.half(at + 6) & 0x3fff != 0)
    }

    private static func ipv6(_ bytes: [UInt8], _ at: Int, isQuoted: Bool) -> Network? {
        guard at + 40 <= bytes.count, bytes[at] >> 4 == 6 else { return nil }
        let length = Int(bytes.half(at + 4))
        var end = length == 0 ? bytes.count : at + 40 + length
        if isQuoted { end = min(end, bytes.count) }
        guard end <= bytes.count else { return nil }
        var network = Network(
            source: bytes.ipv6Address(at + 8), destination: bytes.ipv6Address(at + 24),
            transport: bytes[at + 6], start: at + 40, end: end,
            length: length == 0 ? bytes.count - at - 40 : length, isHeaderRight: true,
            isFragment: false)
        // Hop by hop, routing and destination options; a fragment header ends the walk.
        while [0, 43, 60].contains(network.transport), network.start + 8 <= end {
            let size = (Int(bytes[network.start + 1]) + 1) * 8
            network.transport = bytes[network.start]
            network.start += size
            network.length -= size
        }
        network.isFragment = network.transport == 44
        return network.start <= end && network.length >= 0 ? network : nil
    }

    private func tcp(_ frame: CapturedFrame, _ network: Network) -> Reading {
        let bytes = frame.bytes
        let at = network.start
        guard at + 20 <= network.end else { return .malformed("no whole TCP header") }
        let pseudo = Self.pseudoHeader(network, protocolNumber: 6)
        let isPartial = bytes.half(at + 16) == pseudo.folded
        var sum = pseudo
        sum.add(bytes.sum(at..<network.end))
        let isRight = isPartial || sum.folded == 0xffff
        let header = Int(bytes[at + 12] >> 4) * 4
        guard header >= 20, at + header <= network.end else {
            return isRight && network.isHeaderRight ? .malformed("no whole TCP header") : .corrupt
        }
        return .tcp(
            TCPPacket(
                wire: wire, number: frame.number, time: frame.time,
                tuple: FlowTuple(
                    source: TransportAddress(network.source, bytes.half(at)),
                    destination: TransportAddress(network.destination, bytes.half(at + 2))),
                sequence: bytes.word(at + 4), acknowledgement: bytes.word(at + 8),
                flags: TCPFlags(rawValue: bytes[at + 13]), window: Int(bytes.half(at + 14)),
                options: TCPOptions(bytes, at + 20..<at + header), bytes: bytes,
                payload: at + header..<network.end,
                isHeaderRight: network.isHeaderRight, isChecksumRight: isRight,
                isPartial: isPartial))
    }

    /// The sum of RFC 9293 §3.1, which a device that sums up the rest finds in the checksum field.
    private static func pseudoHeader(_ network: Network, protocolNumber: UInt16)
        -> InternetChecksum
    {
        var sum = InternetChecksum()
        sum.add(network.source)
        sum.add(network.destination)
        sum.add(UInt32(network.length))
        sum.add(protocolNumber)
        return sum
    }

    private func icmp(_ frame: CapturedFrame, _ network: Network) -> Reading {
        let bytes = frame.bytes
        let at = network.start
        guard at + 8 <= network.end else { return .malformed("no whole ICMP header") }
        let isError = network.source.isIPv4 ? [3, 11, 12].contains(bytes[at]) : bytes[at] < 128
        guard isError, let quote = Self.network(bytes, at + 8, isQuoted: true) else {
            return .other(nil, nil)
        }
        var sum =
            network.source.isIPv4
            ? InternetChecksum() : Self.pseudoHeader(network, protocolNumber: 58)
        sum.add(Self.sumOfError(bytes, at, network, quote))
        let hasTCP = quote.transport == 6 && quote.start + 8 <= network.end
        let tuple =
            hasTCP
            ? FlowTuple(
                source: TransportAddress(quote.source, bytes.half(quote.start)),
                destination: TransportAddress(quote.destination, bytes.half(quote.start + 2)))
            : nil
        return .icmp(
            ICMPError(
                wire: wire, number: frame.number, time: frame.time, source: network.source,
                destination: network.destination, quoted: tuple, quotedSource: quote.source,
                quotedDestination: quote.destination,
                quotedSequence: hasTCP ? bytes.word(quote.start + 4) : 0,
                isCorrupt: !network.isHeaderRight || sum.folded != 0xffff
                    || !quote.isHeaderRight))
    }

    /// The sum of an ICMP message. Where the quoted packet's checksum was left to a device, so is
    /// this one's: the device puts the checksum of the quoted header where it stands, after which
    /// that header adds up to the complement of the pseudo-header's sum.
    private static func sumOfError(
        _ bytes: [UInt8], _ at: Int, _ network: Network, _ quote: Network
    ) -> UInt16 {
        let pseudo = pseudoHeader(quote, protocolNumber: 6).folded
        guard quote.transport == 6, quote.start + 20 <= quote.end,
            bytes.half(quote.start + 16) == pseudo
        else { return bytes.sum(at..<network.end) }
        var sum = InternetChecksum()
        sum.add(bytes.sum(at..<quote.start))
        sum.add(~pseudo)
        return sum.folded
    }
}
