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

    private static let signature: [UInt8] = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
    ]

    /// What comes in front of the bytes of the client with this tuple (client → listener). It says
    /// nothing else, so that it can be made again at any time.
    public func header(of client: FlowTuple) -> [UInt8] {
        switch self {
        case .off: []
        case .v1: Self.line(client)
        case .v2: Self.binary(client)
        }
    }

    private static func line(_ client: FlowTuple) -> [UInt8] {
        let (source, destination) = (client.source, client.destination)
        let family = source.address.isIPv4 ? "TCP4" : "TCP6"
        let addresses = "\(source.address) \(destination.address)"
        return Array("PROXY \(family) \(addresses) \(source.port) \(destination.port)\r\n".utf8)
    }

    private static func binary(_ client: FlowTuple) -> [UInt8] {
        let isIPv4 = client.source.address.isIPv4
        // Version 2, PROXY; TCP over IPv4 or IPv6; bytes that follow.
        var header = signature + [0x21, isIPv4 ? 0x11 : 0x21, 0, isIPv4 ? 12 : 36]
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
        return header
    }
}

extension [UInt8] {
    fileprivate mutating func append(big value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
