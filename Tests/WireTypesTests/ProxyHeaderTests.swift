// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WireTypes

/// Bytes written by hand from proxy-protocol.txt.
@Suite struct `PROXY header` {
    private func tuple(_ source: String, _ destination: String) throws -> FlowTuple {
        FlowTuple(
            source: try #require(TransportAddress(source)),
            destination: try #require(TransportAddress(destination)))
    }

    private static let signature: [UInt8] = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
    ]

    @Test func `of version 2 names an IPv4 client in 28 bytes`() throws {
        let client = try tuple("198.51.100.10:30001", "192.0.2.1:443")
        let expected: [UInt8] =
            Self.signature + [0x21, 0x11, 0x00, 0x0c] + [198, 51, 100, 10] + [192, 0, 2, 1]
            + [0x75, 0x31] + [0x01, 0xbb]
        #expect(expected.count == 28)
        #expect(ProxyProtocol.v2.header(of: client) == expected)
    }

    @Test func `of version 2 names an IPv6 client in 52 bytes`() throws {
        let client = try tuple("[2001:db8:c::10]:65535", "[2001:db8:f::1]:9000")
        let source: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0x00, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10]
        let destination: [UInt8] = [
            0x20, 0x01, 0x0d, 0xb8, 0x00, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01,
        ]
        let expected: [UInt8] =
            Self.signature + [0x21, 0x21, 0x00, 0x24] + source + destination + [0xff, 0xff]
            + [0x23, 0x28]
        #expect(expected.count == 52)
        #expect(ProxyProtocol.v2.header(of: client) == expected)
    }

    @Test func `of version 1 is a line`() throws {
        let old = try tuple("198.51.100.10:30001", "192.0.2.1:443")
        #expect(
            ProxyProtocol.v1.header(of: old)
                == Array("PROXY TCP4 198.51.100.10 192.0.2.1 30001 443\r\n".utf8))
        let new = try tuple("[2001:db8:c::10]:65535", "[2001:db8:f::1]:443")
        #expect(
            ProxyProtocol.v1.header(of: new)
                == Array("PROXY TCP6 2001:db8:c::10 2001:db8:f::1 65535 443\r\n".utf8))
    }

    @Test func `is empty when there is none`() throws {
        #expect(ProxyProtocol.off.header(of: try tuple("198.51.100.10:1", "192.0.2.1:2")).isEmpty)
    }

    @Test func `of families that differ maps the IPv4 address, or names nobody`() throws {
        let four = TransportAddress(try #require(IPAddress("192.0.2.7")), 4321)
        let six = TransportAddress(try #require(IPAddress("2001:db8::1")), 443)
        let client = FlowTuple(source: four, destination: six)
        #expect(
            String(decoding: ProxyProtocol.v1.header(of: client), as: UTF8.self)
                == "PROXY UNKNOWN\r\n")
        let binary = ProxyProtocol.v2.header(of: client)
        #expect(binary[13] == 0x21 && binary.count == 16 + 36)
        #expect(binary[16..<28] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff])
        #expect(binary[28..<32] == [192, 0, 2, 7])
        #expect(binary[32..<36] == [0x20, 0x01, 0x0d, 0xb8])
    }
}
