// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WireTypes

/// Reading of PROXY headers that came in front of a client's bytes.
@Suite struct `PROXY preface` {
    private static let v4 = named("198.51.100.10:30001", "192.0.2.1:443")
    private static let v6 = named("[2001:db8:c::10]:65535", "[2001:db8:f::1]:9000")

    private static func named(_ source: String, _ destination: String) -> FlowTuple {
        guard let source = TransportAddress(source), let destination = TransportAddress(destination)
        else { fatalError("no address") }
        return FlowTuple(source: source, destination: destination)
    }

    private func read(_ bytes: [UInt8]) -> ProxyPreface.Reading { ProxyPreface.read(bytes.span) }

    private func read(_ text: String) -> ProxyPreface.Reading { read(Array(text.utf8)) }

    private static let binary: [UInt8] = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
    ]

    private func whole(_ length: Int, _ named: FlowTuple? = nil) -> ProxyPreface.Reading {
        .whole(ProxyPreface(length: length, named: named))
    }

    /// Whole headers of each kind.
    static let headers: [[UInt8]] = {
        var subject = ProxySubject(v6)
        subject.serverName = ServerName("a.test")
        subject.uniqueID = [1, 2, 3]
        return [v4, v6].flatMap { client in
            [ProxyProtocol.v1.header(of: client), ProxyProtocol.v2.header(of: client)]
        } + [
            ProxyProtocol.v2.header(
                of: subject,
                tlvs: [.authority, .crc32c, .uniqueID, .custom(type: 0xe0, value: [7])]),
            ProxyProtocol.v2.header(of: ProxySubject(v4), length: ProxyPreface.limit),
            Array("PROXY UNKNOWN\r\n".utf8), binary + [0x20, 0, 0, 0],
        ]
    }()

    @Test(arguments: [v4, v6], [ProxyProtocol.v1, .v2])
    func `names whom the header was made of`(client: FlowTuple, version: ProxyProtocol) {
        let header = version.header(of: client)
        #expect(read(header) == whole(header.count, client))
        #expect(read(header + [22, 3, 1]) == whole(header.count, client))
    }

    @Test(arguments: headers)
    func `says nothing before the last byte, and nothing else behind it`(header: [UInt8]) {
        for count in 0..<header.count { #expect(read(Array(header[..<count])) == .needsMore) }
        let answer = read(header)
        guard case .whole(let preface) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(preface.length == header.count)
        #expect(read(header + header) == answer)
        #expect(read(header + [0, 255]) == answer)
    }

    @Test func `leaves the client as it is for LOCAL, UNKNOWN and what is not TCP`() {
        #expect(read("PROXY UNKNOWN\r\n") == whole(15))
        #expect(read("PROXY UNKNOWN ffff::1 what ever\r\n") == whole(33))
        let ones = [UInt8](repeating: 1, count: 12)
        #expect(read(Self.binary + [0x20, 0x11, 0, 12] + ones) == whole(28))
        #expect(read(Self.binary + [0x20, 0, 0, 3, 9, 9, 9]) == whole(19))
        #expect(read(Self.binary + [0x21, 0, 0, 0]) == whole(16))
        // UDP over IPv4, and a Unix socket.
        #expect(read(Self.binary + [0x21, 0x12, 0, 2, 0, 0]) == whole(18))
        #expect(read(Self.binary + [0x21, 0x31, 0, 1, 0]) == whole(17))
    }

    @Test(arguments: [
        "G", "PROXY\t", "PROXY \r\n", "PROXY\r\n", "PROXY TCP4\r\n",
        "PROXY TCP4 198.51.100.10 192.0.2.1 30001 443\n",
        "PROXY TCP4 198.51.100.10 192.0.2.1 30001\r\n",
        "PROXY TCP4 198.51.100.10 192.0.2.1 30001 443 \r\n",
        "PROXY TCP4  198.51.100.10 192.0.2.1 30001 443\r\n",
        "PROXY TCP4 198.51.100.10 192.0.2.1 30001 65536\r\n",
        "PROXY TCP4 198.51.100.10 192.0.2.1 030 443\r\n",
        "PROXY TCP4 198.51.100.10 192.0.2.1 +30 443\r\n",
        "PROXY TCP4 198.51.100.256 192.0.2.1 30001 443\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 30001 443\r\n",
        "PROXY TCP6 198.51.100.10 192.0.2.1 30001 443\r\n",
        "PROXY UDP4 198.51.100.10 192.0.2.1 30001 443\r\n",
        "proxy TCP4 198.51.100.10 192.0.2.1 30001 443\r\n",
        "PROXY UNKNOWN é\r\n", "PROXY UNKNOWN a\u{0}\r\n",
    ])
    func `is not a line like`(text: String) { #expect(read(text) == .malformed) }

    @Test func `is not a line of more than 107 bytes`() {
        let longest = "PROXY UNKNOWN " + String(repeating: "x", count: 91) + "\r\n"
        #expect(longest.utf8.count == 107)
        #expect(read(longest) == whole(107))
        #expect(read("PROXY UNKNOWN " + String(repeating: "x", count: 93)) == .malformed)
        #expect(read("PROXY UNKNOWN " + String(repeating: "x", count: 92) + "\r\n") == .malformed)
    }

    private static let zeros = [UInt8](repeating: 0, count: 12)
    private static let addressed = binary + [0x21, 0x11, 0]

    static let broken: [[UInt8]] = [
        [0x16, 3, 1], [0x0d, 0x0b], binary + [0x11], binary + [0x22], binary + [0x31],
        // Too short for its addresses.
        addressed + [11] + zeros,
        binary + [0x21, 0x21, 0, 35] + [UInt8](repeating: 0, count: 35),
        // TLVs: half a head, a value beyond the end, a sum of 3 bytes, a wrong sum.
        addressed + [14] + zeros + [0, 0],
        addressed + [16] + zeros + [0xe0, 0, 2, 1],
        addressed + [18] + zeros + [3, 0, 3, 1, 1, 1],
        addressed + [19] + zeros + [3, 0, 4, 0, 0, 0, 0],
        // Longer than anybody needs.
        binary + [0x21, 0x11, 0x10, 0],
    ]

    @Test(arguments: broken)
    func `is not binary like`(bytes: [UInt8]) { #expect(read(bytes) == .malformed) }

    @Test func `bears any bytes, in pieces as in one`() {
        var generator = SystemRandomNumberGenerator()
        var wholes = 0
        for round in 0..<20_000 {
            var bytes = Self.headers[round % Self.headers.count]
            if bytes.count > 200 { bytes = Array(bytes[..<200]) }
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] = .random(in: 0 ... .max, using: &generator)
            }
            bytes += (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                UInt8.random(in: 0 ... .max, using: &generator)
            }
            let answer = read(bytes)
            if case .whole(let preface) = answer {
                wholes += 1
                #expect(preface.length <= bytes.count)
            }
            // What is decided stays so, however much of it is there.
            for count in stride(from: 1, to: bytes.count, by: 7) {
                let part = read(Array(bytes[..<count]))
                if part != .needsMore { #expect(part == answer, "\(bytes) at \(count)") }
            }
        }
        #expect(wholes > 1000)
    }
}
