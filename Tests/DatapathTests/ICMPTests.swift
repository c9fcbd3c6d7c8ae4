// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Glibc
import KernelBPF
import Testing
import WireTypes

extension Family {
    /// Where an error may come from.
    fileprivate var router: IPAddress {
        self == .v4
            ? IPAddress(v4: 0x0800_0909)
            : IPAddress(high: 0x2001_0db8_86dd_0009, low: 9)
    }

    fileprivate var headerSize: Int { self == .v4 ? 20 : 40 }

    /// Type and code of: too big, out of hops, unreachable.
    fileprivate var errors: [(type: UInt8, code: UInt8)] {
        self == .v4 ? [(3, 4), (11, 0), (3, 1)] : [(2, 0), (3, 0), (1, 0)]
    }
}

@Suite(.needsKernel) struct `ICMP errors about a flow` {
    /// A splice in which both ends have data under way that nobody acknowledged.
    private func splice(_ family: Family) -> EstablishedSplice {
        var splice = EstablishedSplice(family)
        let sent = splice.fromClient().sequence
        splice.upstream.lastAcknowledgement = sent &+ splice.downstream.sequenceDelta
        splice.downstream.lastAcknowledgement = sent &+ splice.upstream.sequenceDelta
        splice.upstream.nextSequence = UInt64(sent) + 1000
        splice.downstream.nextSequence = UInt64(sent) + 1000
        return splice
    }

    /// What a router says that could not forward what became of `packet`.
    private func error(
        _ family: Family, _ kind: (type: UInt8, code: UInt8), about packet: TestPacket,
        from source: IPAddress, quoting size: Int
    ) -> ICMPError {
        let quote = Array(packet.bytes[14..<14 + family.headerSize + size])
        var error = ICMPError(
            from: source, to: packet.tuple.source.address, type: kind.type, quote: quote)
        error.code = kind.code
        error.word = 1280
        return error
    }

    /// The quote as the sender of `packet` knows it: its own tuple and sequence number.
    private func original(_ packet: TestPacket, _ translated: TestPacket) -> TestPacket {
        var quoted = translated
        quoted.tuple = packet.tuple
        quoted.sequence = packet.sequence
        return quoted
    }

    @Test(arguments: Family.allCases)
    func `reach the sender in its own terms, from either side`(family: Family) throws {
        try TestBench.use { bench in
            let splice = splice(family)
            try splice.program(bench)
            let sides = [
                (splice.fromClient { $0.payload = [1, 2, 3] }, splice.upstream),
                (splice.fromEndpoint { $0.payload = [4, 5] }, splice.downstream),
            ]
            for (packet, row) in sides {
                let translated = packet.translated(by: row)
                for kind in family.errors {
                    let error = error(
                        family, kind, about: translated, from: family.router, quoting: 8)
                    var expected = self.error(
                        family, kind, about: original(packet, translated),
                        from: packet.tuple.destination.address, quoting: 8)
                    expected.timeToLive -= 1
                    let result = try bench.run(.flowsEthernet, on: error.bytes)
                    #expect(result.verdict == TCVerdict.redirect)
                    #expect(result.packet == expected.bytes)
                }
            }
            #expect(bench.counts == [.icmpTranslated: 6])
        }
    }

    @Test(arguments: Family.allCases)
    func `keep what they quote beyond the sequence number`(family: Family) throws {
        try TestBench.use { bench in
            let splice = splice(family)
            try splice.program(bench)
            let packet = splice.fromClient { $0.payload = .init(repeating: 7, count: 100) }
            let translated = packet.translated(by: splice.upstream)
            let error = error(
                family, family.errors[0], about: translated, from: family.router, quoting: 60)
            let result = try bench.run(.flowsEthernet, on: error.bytes)
            #expect(result.packet.count == error.bytes.count)
            let tail = 14 + family.headerSize + 8 + family.headerSize + 8
            #expect(result.packet[tail...] == error.bytes[tail...])
            #expect(bench.count(.icmpTranslated) == 1)
        }
    }

    @Test(arguments: Family.allCases)
    func `are dropped when they quote what is not under way`(family: Family) throws {
        try TestBench.use { bench in
            let splice = splice(family)
            try splice.program(bench)
            for step: UInt32 in [0xffff_ffff, 1001, 0x8000_0000] {
                let packet = splice.fromClient { $0.sequence &+= step }
                let error = error(
                    family, family.errors[0], about: packet.translated(by: splice.upstream),
                    from: family.router, quoting: 8)
                let result = try bench.run(.flowsEthernet, on: error.bytes)
                expect(result, leaves: error.bytes, TCVerdict.drop)
            }
            #expect(bench.counts == [.dropIcmpStale: 3])
        }
    }

    @Test(arguments: Family.allCases)
    func `pass to the stack when they are about no flow, or no errors`(family: Family) throws {
        try TestBench.use { bench in
            let splice = splice(family)
            let packet = splice.fromClient().translated(by: splice.upstream)
            let about = error(
                family, family.errors[0], about: packet, from: family.router, quoting: 8)
            var echo = about
            echo.type = family == .v4 ? 8 : 128
            for bytes in [about.bytes, echo.bytes, Array(about.bytes.dropLast(4))] {
                let result = try bench.run(.flowsEthernet, on: bytes)
                expect(result, leaves: bytes, TCVerdict.pass)
            }
            #expect(bench.counts == [.passNotTCP: 3])
        }
    }
}

@Suite(.needsKernel) struct `ICMP errors of our own` {
    private func expected(
        _ family: Family, _ kind: (type: UInt8, code: UInt8), _ packet: TestPacket
    ) -> ICMPError {
        let quote = Array(packet.bytes[14..<packet.tcpOffset + 20])
        var error = ICMPError(
            from: packet.tuple.destination.address, to: packet.tuple.source.address,
            type: kind.type, quote: quote)
        error.code = kind.code
        error.link = [UInt8](repeating: 0, count: 12)
        error.linkType = 0
        return error
    }

    @Test(arguments: Family.allCases)
    func `tell of a packet larger than the receiver's MSS, a few times`(family: Family) throws {
        try TestBench.use { bench in
            var splice = EstablishedSplice(family)
            splice.upstream.sizeLimit = 1400
            try splice.program(bench)
            let fits = splice.fromClient { $0.payload = .init(repeating: 1, count: 1000) }
            let large = splice.fromClient { $0.payload = .init(repeating: 1, count: 1400) }
            expect(
                try bench.run(.flowsEthernet, on: fits),
                isRedirectOf: fits.translated(by: splice.upstream))
            for _ in 1...3 {
                let result = try bench.run(.flowsEthernet, on: large)
                #expect(result.verdict == TCVerdict.redirect)
                var error = expected(family, family.errors[0], large)
                error.word = 1400
                #expect(result.packet == error.bytes)
            }
            expect(
                try bench.run(.flowsEthernet, on: large),
                isRedirectOf: large.translated(by: splice.upstream))
            #expect(bench.counts == [.translated: 2, .dropTooBig: 3, .icmpSent: 3])
        }
    }

    @Test(arguments: Family.allCases)
    func `tell of a packet larger than the way out, every time`(family: Family) throws {
        try TestBench.use { bench in
            var splice = EstablishedSplice(family)
            try splice.upstream.route(by: bench.interface, mtu: 1300, in: bench.datapath)
            try splice.program(bench)
            let large = splice.fromClient { $0.payload = .init(repeating: 1, count: 1301) }
            for _ in 1...10 {
                let result = try bench.run(.flowsEthernet, on: large)
                var error = expected(family, family.errors[0], large)
                error.word = 1300
                #expect(result.packet == error.bytes)
            }
            #expect(bench.counts == [.dropTooBig: 10, .icmpSent: 10])
        }
    }

    @Test(arguments: Family.allCases)
    func `let super-packets pass whose segments fit`(family: Family) throws {
        try TestBench.use { bench in
            var splice = EstablishedSplice(family)
            try splice.upstream.route(by: bench.interface, mtu: 1300, in: bench.datapath)
            try splice.program(bench)
            let packet = splice.fromClient { $0.payload = .init(repeating: 1, count: 3000) }
            for (size, verdicts) in [(1000, [DatapathCounter.translated]), (1290, [.dropTooBig])] {
                let before = verdicts.map { bench.count($0) }
                _ = try bench.run(.flowsEthernet, on: packet.bytes) {
                    $0.segments = UInt32((3000 + size - 1) / size)
                    $0.segmentSize = UInt32(size)
                }
                #expect(verdicts.map { bench.count($0) } == before.map { $0 + 1 })
            }
        }
    }

    @Test(arguments: Family.allCases, [0, 1] as [UInt8])
    func `tell of a packet whose hops ran out`(family: Family, timeToLive: UInt8) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            let packet = splice.fromClient {
                $0.timeToLive = timeToLive
                $0.payload = [1, 2, 3]
            }
            let result = try bench.run(.flowsEthernet, on: packet)
            #expect(result.verdict == TCVerdict.redirect)
            #expect(result.packet == expected(family, family.errors[1], packet).bytes)
            #expect(bench.counts == [.dropTTL: 1, .icmpSent: 1])
        }
    }

    @Test func `are not sent in a flood`() throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(.v4)
            try splice.program(bench)
            let packet = splice.fromClient { $0.timeToLive = 1 }
            for _ in 1...5000 { _ = try bench.run(.flowsEthernet, on: packet) }
            #expect(bench.count(.icmpLimited) > 0)
            #expect(bench.count(.icmpSent) + bench.count(.icmpLimited) == 5000)
            #expect(bench.count(.dropTTL) == 5000)
            // The budget is the next test's as well: full again after its 50 ms.
            usleep(100_000)
        }
    }
}
