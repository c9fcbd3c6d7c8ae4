// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

@Suite(.needsKernel) struct `SYN to a listener` {
    @Test(arguments: HandshakeClient.offers)
    func `is answered with what the client offered`(client: HandshakeClient) throws {
        try TestBench.use { bench in
            try bench.listen(client.family)
            let result = try bench.run(.handshakeEthernet, on: client.syn)
            let note = try #require(bench.datapath.note(of: client.family.client))
            expect(result, isRedirectOf: client.synAck(note.cookie, note.timestamp))
            #expect(bench.counts == [.synAnswered: 1])
            #expect(note.clientISN == client.sequence)
            #expect(note.listener == 3)
            #expect(note.hasTimestamps == client.hasTimestamps)
            #expect(note.hasSACK == client.hasSACK)
            #expect(note.hasWindowScale == (client.scale != nil))
            #expect(note.clientScale == client.scale ?? 0)
            #expect(note.ourScale == (client.scale == nil ? 0 : 7))
            #expect(note.mss == client.mss ?? client.family.defaultMSS)
            #expect((note.timestamp != 0) == client.hasTimestamps)
        }
    }

    @Test(arguments: Family.allCases)
    func `is answered without timestamps where endpoints refuse them`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family, promisesTimestamps: false)
            let client = HandshakeClient(family)
            var plain = client
            plain.hasTimestamps = false
            let result = try bench.run(.handshakeEthernet, on: client.syn)
            let note = try #require(bench.datapath.note(of: family.client))
            expect(result, isRedirectOf: plain.synAck(note.cookie, 0))
            #expect(!note.hasTimestamps)
        }
    }

    /// A note of damaged options would answer the client's repeated SYN too.
    @Test(arguments: Family.allCases, DamagedByte.allCases)
    func `is not noted when its checksum is wrong`(family: Family, damaged: DamagedByte) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            let result = try bench.run(.handshakeEthernet, on: damaged.damage(client.syn))
            #expect(result.verdict == TCVerdict.drop)
            #expect(bench.counts == [.dropMalformed: 1])
            #expect(bench.datapath.note(of: family.client) == nil)
            _ = try client.connect(bench)
        }
    }

    @Test(arguments: Family.allCases)
    func `is answered with the same numbers when it comes again`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            for _ in 0..<3 {
                let result = try bench.run(.handshakeEthernet, on: client.syn)
                expect(result, isRedirectOf: client.synAck(note.cookie, note.timestamp))
            }
        }
    }

    @Test(arguments: Family.allCases)
    func `is answered anew when it is another one`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            var client = HandshakeClient(family)
            let first = try client.connect(bench)
            client.sequence = 5_000_000
            let second = try client.connect(bench)
            #expect(second.clientISN == 5_000_000)
            #expect(second.cookie != first.cookie)
        }
    }

    @Test(arguments: Family.allCases)
    func `may be padded by the link, or have IP options and extensions`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            var answer = client.synAck(note.cookie, note.timestamp)
            let padded = client.syn.bytes + [1, 2, 3, 4, 5, 6]
            let result = try bench.run(.handshakeEthernet, on: padded)
            expect(result, isRedirectOf: answer)
            var long = client.syn
            long.ipOptions = family == .v4 ? [1, 1, 1, 0] : []
            long.extensions = family == .v6 ? [IPv6Extension(0, [])] : []
            answer.ipOptions = long.ipOptions
            answer.extensions = long.extensions
            let other = try bench.run(.handshakeEthernet, on: long)
            expect(other, isRedirectOf: answer)
        }
    }

    /// RFC 7413, 4.2: the client sends what was not acknowledged again, at once.
    @Test(arguments: Family.allCases, [1, 2, 511, 512, 513, 1400, 3072])
    func `is answered alone when it carries data`(family: Family, length: Int) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            var syn = client.syn
            syn.payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) }
            let result = try bench.run(.handshakeEthernet, on: syn)
            expect(result, isRedirectOf: client.synAck(note.cookie, note.timestamp))
            #expect(bench.counts == [.synAnswered: 2])
        }
    }

    @Test(arguments: Family.allCases)
    func `is dropped with more data than a segment has: the client repeats it without`(
        family: Family
    ) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            var syn = HandshakeClient(family).syn
            syn.payload = [UInt8](repeating: 1, count: 3073)
            let result = try bench.run(.handshakeEthernet, on: syn)
            expect(result, leaves: syn.bytes, TCVerdict.drop)
            #expect(bench.counts == [.dropSynData: 1])
        }
    }

    @Test(arguments: Family.allCases)
    func `is answered on devices without a link header`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            var syn = client.syn
            syn.link = nil
            let result = try bench.run(.handshakeRaw, on: syn.bytes)
            #expect(result.verdict == TCVerdict.redirect)
            let note = try #require(bench.datapath.note(of: family.client))
            var answer = client.synAck(note.cookie, note.timestamp)
            answer.link = nil
            let isEqual = Array(result.packet.dropFirst(14)) == answer.bytes
            #expect(isEqual)
        }
    }

    @Test(arguments: Family.allCases)
    func `passes when nobody listens there`(family: Family) throws {
        try TestBench.use { bench in
            let syn = HandshakeClient(family).syn
            let result = try bench.run(.handshakeEthernet, on: syn)
            expect(result, leaves: syn.bytes, TCVerdict.pass)
            #expect(bench.counts == [.passNoFlow: 1])
        }
    }
}
