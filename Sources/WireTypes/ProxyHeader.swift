// SPDX-License-Identifier: Apache-2.0

/// Whether an endpoint is told who its client is, in front of the client's first byte, and how: the
/// PROXY protocol of HAProxy (proxy-protocol.txt).
public enum ProxyProtocol: String, Hashable, Sendable, CaseIterable {
    /// Not told.
    case off
    /// A line of text (§2.1).
    case v1
    /// A binary header (§2.2).
    case v2

    static let signature: [UInt8] = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
    ]

    /// What comes in front of the bytes of the client with this tuple (client → listener). It says
    /// nothing else, so that it can be made again at any time.
    public func header(of client: FlowTuple) -> [UInt8] { header(of: ProxySubject(client)) }

    /// The same, with what else is to be told (§2.2.1 and on; version 2 only), in that order.
    ///
    /// - Parameter length: The least length. A shorter header is filled up by a TLV that says
    ///   nothing (§2.2.3), which takes 3 bytes at least.
    public func header(
        of subject: ProxySubject, tlvs: [ProxyTLV] = [], length: Int = 0
    ) -> [UInt8] {
        switch self {
        case .off: []
        case .v1: Self.line(subject.client)
        case .v2: Self.binary(subject, tlvs, length)
        }
    }

    /// What comes in front of bytes that are of no client: a check's.
    public var headerOfNobody: [UInt8] {
        switch self {
        case .off: []
        case .v1: Self.unknown
        // Version 2, LOCAL; no addresses.
        case .v2: Self.signature + [0x20, 0, 0, 0]
        }
    }

    private static let unknown = Array("PROXY UNKNOWN\r\n".utf8)

    private static func line(_ client: FlowTuple) -> [UInt8] {
        let (source, destination) = (client.source, client.destination)
        guard source.address.isIPv4 == destination.address.isIPv4 else { return unknown }
        let family = source.address.isIPv4 ? "TCP4" : "TCP6"
        let addresses = "\(source.address) \(destination.address)"
        return Array("PROXY \(family) \(addresses) \(source.port) \(destination.port)\r\n".utf8)
    }

    private static func binary(
        _ subject: ProxySubject, _ tlvs: [ProxyTLV], _ length: Int
    ) -> [UInt8] {
        let client = subject.client
        // Of families that differ the IPv4 address is mapped.
        let isIPv4 = client.source.address.isIPv4 && client.destination.address.isIPv4
        // Version 2, PROXY; TCP over IPv4 or IPv6; bytes that follow.
        var header = signature + [0x21, isIPv4 ? 0x11 : 0x21, 0, 0]
        for address in [client.source.address, client.destination.address] {
            if isIPv4 {
                header.append(big: address.v4 ?? 0)
            } else {
                header.append(big: address.high)
                header.append(big: address.low)
            }
        }
        header.append(big: client.source.port)
        header.append(big: client.destination.port)
        append(tlvs, subject, length, to: &header)
        return header
    }

    private static func append(
        _ tlvs: [ProxyTLV], _ subject: ProxySubject, _ length: Int, to header: inout [UInt8]
    ) {
        var sumPlace: Int?
        for tlv in tlvs {
            guard let value = tlv.value(of: subject) else { continue }
            if tlv == .crc32c { sumPlace = header.count + 3 }
            header.append(tlv.type)
            header.append(big: UInt16(value.count))
            header += value
        }
        if length > header.count {
            let missing = max(0, length - header.count - 3)
            header.append(ProxyTLV.nothing)
            header.append(big: UInt16(missing))
            header += [UInt8](repeating: 0, count: missing)
        }
        let following = UInt16(header.count - 16)
        header[14] = UInt8(following >> 8)
        header[15] = UInt8(truncatingIfNeeded: following)
        // Over the whole header, the sum itself taken for zero.
        guard let sumPlace else { return }
        var sum: [UInt8] = []
        sum.append(big: CRC32C.sum(of: header.span))
        header.replaceSubrange(sumPlace..<sumPlace + 4, with: sum)
    }
}

/// Whom a PROXY header is about.
public struct ProxySubject: Sendable, Equatable {
    /// Client → where it connected to.
    public var client: FlowTuple
    /// The SNI.
    public var serverName: ServerName?
    /// The protocol that the client wants most; empty: it named none.
    public var applicationProtocol: [UInt8] = []
    /// What names the connection; at most 128 bytes.
    public var uniqueID: [UInt8] = []

    /// A client of which nothing but its tuple is known.
    public init(_ client: FlowTuple) { self.client = client }
}

extension [UInt8] {
    mutating func append(big value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
