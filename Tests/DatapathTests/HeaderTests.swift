// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

/// IPv6 extension headers that a host may see in front of TCP.
private let extensionChains: [[IPv6Extension]] = [
    [IPv6Extension(0, [1, 4, 0, 0, 0, 0])],
    [IPv6Extension(60, [1, 4, 0, 0, 0, 0])],
    [IPv6Extension(0, [5, 2, 0, 0, 1, 0]), IPv6Extension(60, [UInt8](repeating: 0, count: 14))],
    [IPv6Extension(0, []), IPv6Extension(60, []), IPv6Extension(60, []), IPv6Extension(60, [])],
    [IPv6Extension(60, [UInt8](repeating: 0, count: 62))],
]

@Suite(.needsKernel) struct `Headers in front of TCP` {
    @Test(arguments: [4, 8, 20, 40])
    func `may be IPv4 with options`(count: Int) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(.v4)
            try splice.program(bench)
            let packet = splice.fromClient {
                $0.ipOptions = [0x94, 4, 0, 0] + [UInt8](repeating: 1, count: count - 4)
                $0.options = [.nop, .nop, .timestamps(1, 2), .sack([.init(1, 2)])]
                $0.payload = [1]
            }
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, isRedirectOf: packet.translated(by: splice.upstream))
        }
    }

    @Test(arguments: extensionChains)
    func `may be IPv6 hop-by-hop and destination options`(chain: [IPv6Extension]) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(.v6)
            try splice.program(bench)
            let packet = splice.fromClient {
                $0.extensions = chain
                $0.options = [.timestamps(1, 2)]
                $0.payload = [1, 2, 3]
            }
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, isRedirectOf: packet.translated(by: splice.upstream))
        }
    }

    @Test func `pass to the stack, counted, behind IPv6 headers that are not walked`() throws {
        let tooMany = [IPv6Extension](repeating: IPv6Extension(60, []), count: 5)
        try TestBench.use { bench in
            let splice = EstablishedSplice(.v6)
            try splice.program(bench)
            for chain in [
                [IPv6Extension(43, [0, 0, 0, 0, 0, 0])], [IPv6Extension(135, [])], tooMany,
            ] {
                let packet = splice.fromClient { $0.extensions = chain }.bytes
                let result = try bench.run(.flowsEthernet, on: packet)
                expect(result, leaves: packet, TCVerdict.pass)
            }
            #expect(bench.counts == [.passExtension: 3])
        }
    }

    @Test func `of a flow are dropped, counted, when they are a first fragment`() throws {
        try TestBench.use { bench in
            let v4 = EstablishedSplice(.v4)
            let v6 = EstablishedSplice(.v6)
            try v4.program(bench)
            try v6.program(bench)
            var first = v4.fromClient().bytes
            first[14 + 6] = 0x20
            let sixth = v6.fromClient { $0.extensions = [IPv6Extension(44, [0, 1, 0, 0, 0, 7])] }
            for packet in [first, sixth.bytes] {
                let result = try bench.run(.flowsEthernet, on: packet)
                expect(result, leaves: packet, TCVerdict.drop)
            }
            #expect(bench.counts == [.dropFragment: 2])
        }
    }

    @Test func `pass to the stack, counted, when they are another fragment`() throws {
        try TestBench.use { bench in
            let v4 = EstablishedSplice(.v4)
            let v6 = EstablishedSplice(.v6)
            try v4.program(bench)
            try v6.program(bench)
            var first = TestPacket(Family.v4.client.reversed).bytes
            first[14 + 6] = 0x20
            var later = v4.fromClient().bytes
            later[14 + 7] = 9
            let sixth = v6.fromClient { $0.extensions = [IPv6Extension(44, [1, 1, 0, 0, 0, 7])] }
            for packet in [first, later, sixth.bytes] {
                let result = try bench.run(.flowsEthernet, on: packet)
                expect(result, leaves: packet, TCVerdict.pass)
            }
            #expect(bench.counts == [.passFragment: 3])
        }
    }

    @Test func `pass to the stack, counted, when they are not of TCP`() throws {
        try TestBench.use { bench in
            var udp = TestPacket(Family.v4.client).bytes
            udp[14 + 9] = 17
            var icmp = TestPacket(Family.v6.client).bytes
            icmp[14 + 6] = 58
            var arp = TestPacket(Family.v4.client).bytes
            arp[13] = 6
            var tagged = TestPacket(Family.v4.client).bytes
            tagged.insert(contentsOf: [0x81, 0, 0, 5], at: 12)
            for packet in [udp, icmp, arp, tagged] {
                let result = try bench.run(.flowsEthernet, on: packet)
                expect(result, leaves: packet, TCVerdict.pass)
            }
            #expect(bench.counts == [.passNotTCP: 4])
        }
    }

    @Test(arguments: Family.allCases)
    func `may be followed by padding of the link, which is no data`(family: Family) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            let packet = splice.fromClient()
            let padding: [UInt8] = [0xde, 0xad, 0xbe, 0xef, 0, 0]
            let result = try bench.run(.flowsEthernet, on: packet.bytes + padding)
            #expect(result.verdict == TCVerdict.redirect)
            #expect(result.packet == packet.translated(by: splice.upstream).bytes + padding)
            #expect(try splice.clientRow(bench).bytes == 0)
        }
    }

    @Test(arguments: Family.allCases)
    func `are left out of the packet by devices without a link header`(family: Family) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            for packet in [
                splice.fromClient { $0.payload = [UInt8](repeating: 3, count: 33) },
                splice.fromEndpoint { $0.options = [.timestamps(1, 2), .sack([.init(5, 9)])] },
            ] {
                var bare = packet
                bare.link = nil
                let isClient = packet.tuple == splice.clientTuple
                var expected = bare.translated(by: isClient ? splice.upstream : splice.downstream)
                expected.link = nil
                let result = try bench.run(.flowsRaw, on: bare.bytes)
                #expect(result.verdict == TCVerdict.redirect)
                // The kernel's redirect takes off a link header, so the program put one there.
                #expect(Array(result.packet.prefix(14)) == [UInt8](repeating: 0, count: 14))
                let rest = Array(result.packet.dropFirst(14))
                #expect(
                    rest == expected.bytes,
                    "\(SideBySide(expected: expected.bytes, actual: rest, hasLink: false))")
            }
        }
    }
}
