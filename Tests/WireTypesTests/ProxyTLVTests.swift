// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WireTypes

/// Bytes written by hand from proxy-protocol.txt §2.2.
@Suite struct `PROXY header with TLVs` {
    private static let start: [UInt8] = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11,
    ]
    private static let addresses: [UInt8] =
        [198, 51, 100, 10] + [192, 0, 2, 1] + [0x75, 0x31] + [0x01, 0xbb]

    private func subject() throws -> ProxySubject {
        var subject = ProxySubject(
            FlowTuple(
                source: try #require(TransportAddress("198.51.100.10:30001")),
                destination: try #require(TransportAddress("192.0.2.1:443"))))
        subject.serverName = ServerName("a.test")
        subject.applicationProtocol = Array("h2".utf8)
        subject.uniqueID = Array("id7".utf8)
        return subject
    }

    @Test func `has each behind its type and length, in the order of the setting`() throws {
        let tlvs: [ProxyTLV] = [
            .authority, .alpn, .uniqueID, .custom(type: 0xe4, value: [1, 2]),
            .custom(type: 0xf7, value: []),
        ]
        let expected: [UInt8] =
            Self.start + [0x00, 0x28] + Self.addresses
            + [0x02, 0x00, 0x06, 0x61, 0x2e, 0x74, 0x65, 0x73, 0x74]
            + [0x01, 0x00, 0x02, 0x68, 0x32]
            + [0x05, 0x00, 0x03, 0x69, 0x64, 0x37]
            + [0xe4, 0x00, 0x02, 0x01, 0x02]
            + [0xf7, 0x00, 0x00]
        #expect(ProxyProtocol.v2.header(of: try subject(), tlvs: tlvs) == expected)
        let reversed = ProxyProtocol.v2.header(of: try subject(), tlvs: tlvs.reversed())
        #expect(reversed.count == expected.count)
        #expect(Array(reversed[28..<31]) == [0xf7, 0, 0])
    }

    @Test func `leaves out what the client did not say`() throws {
        var subject = try subject()
        subject.serverName = nil
        subject.applicationProtocol = []
        subject.uniqueID = []
        let header = ProxyProtocol.v2.header(of: subject, tlvs: [.authority, .alpn, .uniqueID])
        #expect(header == Self.start + [0, 12] + Self.addresses)
    }

    @Test func `of version 1 has none`() throws {
        let line = ProxyProtocol.v1.header(of: try subject(), tlvs: [.authority])
        #expect(line == ProxyProtocol.v1.header(of: try subject().client))
    }

    /// RFC 3720 §B.4, and the check value of the catalogue of Greg Cook.
    static let sums: [([UInt8], UInt32)] = [
        (Array("123456789".utf8), 0xe306_9283),
        ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
        ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
        (Array(0...31), 0x46dd_794e),
        (Array((0...31).reversed()), 0x113f_db5c),
    ]

    @Test(arguments: sums)
    func `is summed up by CRC-32C`(bytes: [UInt8], sum: UInt32) {
        #expect(CRC32C.sum(of: bytes.span) == sum)
    }

    /// A second way to the same sum: polynomial division, most significant bit first.
    private func slowSum(_ bytes: [UInt8]) -> UInt32 {
        var rest: UInt32 = 0xffff_ffff
        for byte in bytes {
            var reflected: UInt8 = 0
            for bit in 0..<8 where byte >> UInt8(bit) & 1 == 1 { reflected |= 0x80 >> UInt8(bit) }
            rest ^= UInt32(reflected) << 24
            for _ in 0..<8 {
                rest = rest & 0x8000_0000 == 0 ? rest << 1 : rest << 1 ^ 0x1edc_6f41
            }
        }
        var reflected: UInt32 = 0
        for bit in 0..<32 where rest >> UInt32(bit) & 1 == 1 { reflected |= 1 << UInt32(31 - bit) }
        return ~reflected
    }

    @Test(arguments: 0..<3)
    func `has its sum wherever it stands, taken for zero`(place: Int) throws {
        var tlvs: [ProxyTLV] = [.authority, .custom(type: 0xe0, value: [9])]
        tlvs.insert(.crc32c, at: place)
        var header = ProxyProtocol.v2.header(of: try subject(), tlvs: tlvs)
        let at = try #require([28, 37, 41].dropFirst(place).first)
        #expect(Array(header[at..<at + 3]) == [0x03, 0, 4])
        let told = header[at + 3..<at + 7].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        header.replaceSubrange(at + 3..<at + 7, with: [0, 0, 0, 0])
        #expect(told == slowSum(header))
    }

    @Test(arguments: [28, 29, 31, 32, 100, 400])
    func `is filled up to a length, and says the same`(length: Int) throws {
        let header = ProxyProtocol.v2.header(of: try subject(), tlvs: [], length: length)
        #expect(header.count == (length == 28 ? 28 : max(31, length)))
        let read = ProxyPreface.read(header.span)
        #expect(
            read == .whole(ProxyPreface(length: header.count, named: try subject().client)))
        if header.count > 28 { #expect(header[28] == 0x04) }
    }

    @Test func `is filled up before it is summed up`() throws {
        let header = ProxyProtocol.v2.header(of: try subject(), tlvs: [.crc32c], length: 60)
        #expect(header.count == 60)
        #expect(
            ProxyPreface.read(header.span)
                == .whole(ProxyPreface(length: 60, named: try subject().client)))
    }
}
