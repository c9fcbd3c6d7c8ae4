// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

/// Numbers of lists and limits are of one test each: the maps are not emptied between tests.
@Suite(.needsKernel) struct `Source of a client` {
    /// The client's block of that length.
    private func block(_ family: Family, _ length: Int) throws -> AddressBlock {
        try #require(
            AddressBlock(around: family.client.source.address, prefixLength: length))
    }

    private func everyone(_ family: Family) throws -> AddressBlock { try block(family, 0) }

    private func numbers(
        processList: UInt16 = 0, ownList: UInt16 = 0, processLimit: UInt16 = 0, ownLimit: UInt16 = 0
    ) -> SourceNumbers {
        var numbers = SourceNumbers()
        (numbers.processList, numbers.ownList) = (processList, ownList)
        (numbers.processLimit, numbers.ownLimit) = (processLimit, ownLimit)
        return numbers
    }

    /// The SYN must be answered as if nobody asked.
    private func expectAnswer(_ bench: TestBench, _ client: HandshakeClient) throws {
        _ = try client.connect(bench)
        #expect(bench.count(.sourceDenied) == 0)
    }

    private func expectDrop(
        _ bench: TestBench, _ packet: TestPacket, _ why: DatapathCounter
    ) throws {
        let result = try bench.run(.handshakeEthernet, on: packet)
        expect(result, leaves: packet.bytes, TCVerdict.drop)
        #expect(bench.count(why) == 1)
        #expect(bench.count(.synAnswered) == 0)
    }

    @Test(arguments: Family.allCases, [true, false])
    func `that a list denies gets no answer, and nothing is kept of it`(
        family: Family, isOwn: Bool
    ) throws {
        try TestBench.use { bench in
            try bench.datapath.add([(block(family, 20), .isDropped)], toList: 1)
            let numbers = isOwn ? numbers(ownList: 1) : numbers(processList: 1)
            try bench.listen(family, sources: numbers)
            try expectDrop(bench, HandshakeClient(family).syn, .sourceDenied)
            #expect(bench.datapath.note(of: family.client) == nil)
            #expect(bench.counts == [.sourceDenied: 1])
        }
    }

    @Test(arguments: Family.allCases, [0, 9])
    func `that a list denies is reset when that is wanted`(family: Family, data: Int) throws {
        try TestBench.use { bench in
            try bench.datapath.add([(block(family, 20), .isReset)], toList: 2)
            try bench.listen(family, sources: numbers(ownList: 2))
            let client = HandshakeClient(family)
            var syn = client.syn
            syn.payload = [UInt8](repeating: 65, count: data)
            var reset = TestPacket(family.client.reversed)
            reset.flags = [.rst, .ack]
            reset.acknowledgement = client.sequence &+ 1 &+ UInt32(data)
            reset.window = 0
            expect(try bench.run(.handshakeEthernet, on: syn), isRedirectOf: reset)
            #expect(bench.counts == [.sourceDenied: 1])
            #expect(bench.datapath.note(of: family.client) == nil)
        }
    }

    @Test(arguments: Family.allCases)
    func `is judged by the longest prefix that a list has`(family: Family) throws {
        let longest = family == .v4 ? 32 : 128
        try TestBench.use { bench in
            try bench.datapath.add(
                [
                    (everyone(family), .isDropped), (block(family, 20), .mayConnect),
                ], toList: 3)
            try bench.listen(family, sources: numbers(processList: 3))
            try expectAnswer(bench, HandshakeClient(family))
            try bench.datapath.add([(block(family, longest), .isDropped)], toList: 3)
            let result = try bench.run(.handshakeEthernet, on: HandshakeClient(family).syn)
            #expect(result.verdict == TCVerdict.drop)
            #expect(bench.count(.sourceDenied) == 1)
        }
    }

    @Test(arguments: Family.allCases)
    func `is not judged by a list of another listener or family`(family: Family) throws {
        let other: Family = family == .v4 ? .v6 : .v4
        let lists: [UInt16] = family == .v4 ? [4, 5, 6] : [20, 21, 22]
        try TestBench.use { bench in
            try bench.datapath.add([(everyone(other), .isDropped)], toList: lists[0])
            try bench.datapath.add([(everyone(family), .isDropped)], toList: lists[1])
            try bench.listen(family, sources: numbers(processList: lists[0], ownList: lists[2]))
            try expectAnswer(bench, HandshakeClient(family))
        }
    }

    @Test(arguments: Family.allCases)
    func `that both lists ask needs both`(family: Family) throws {
        try TestBench.use { bench in
            try bench.datapath.add([(everyone(family), .mayConnect)], toList: 7)
            try bench.datapath.add([(everyone(family), .isDropped)], toList: 8)
            try bench.listen(family, sources: numbers(processList: 7, ownList: 8))
            try expectDrop(bench, HandshakeClient(family).syn, .sourceDenied)
        }
    }

    /// An earlier daemon, whose list was another, gave it the cookie.
    @Test(arguments: Family.allCases)
    func `that is denied is not heard by its cookie`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            bench.datapath.forgetHandshake(of: family.client)
            try bench.datapath.add([(everyone(family), .isDropped)], toList: 9)
            try bench.listen(family, sources: numbers(ownList: 9))
            let data = client.packet([.ack], note, hello(517))
            let result = try bench.run(.handshakeEthernet, on: data)
            expect(result, leaves: data.bytes, TCVerdict.drop)
            #expect(bench.count(.sourceDenied) == 1)
            #expect(bench.records().hellos.isEmpty)
        }
    }

    /// The client with another port.
    private func client(_ family: Family, _ number: Int) -> (FlowTuple, HandshakeClient) {
        let client = HandshakeClient(family)
        var tuple = family.client
        tuple = FlowTuple(
            source: TransportAddress(tuple.source.address, UInt16(40000 + number)),
            destination: tuple.destination)
        return (tuple, client)
    }

    /// SYN and hello of a client by its number; the verdicts.
    private func connect(_ bench: TestBench, _ family: Family, _ number: Int) throws -> [Int32] {
        let (tuple, client) = client(family, number)
        let syn = try bench.run(.handshakeEthernet, on: packet(client.syn, of: tuple))
        guard syn.verdict == TCVerdict.redirect,
            let note = bench.datapath.note(of: tuple)
        else { return [syn.verdict] }
        let data = packet(client.packet([.ack], note, hello(517)), of: tuple)
        return [syn.verdict, try bench.run(.handshakeEthernet, on: data).verdict]
    }

    private func packet(_ packet: TestPacket, of tuple: FlowTuple) -> TestPacket {
        var packet = packet
        packet.tuple = tuple
        return packet
    }

    private func allowance(burst: Int, _ change: (inout SourceAllowance) -> Void = { _ in })
        -> SourceAllowance
    {
        // One an hour: no test waits for it.
        var allowance = SourceAllowance()
        allowance.interval = 3600 * 1_000_000_000
        allowance.tolerance = UInt64(burst - 1) * allowance.interval
        change(&allowance)
        return allowance
    }

    @Test(arguments: Family.allCases)
    func `opens as many connections as its burst allows`(family: Family) throws {
        try TestBench.use { bench in
            try bench.datapath.set(allowance(burst: 3), asLimit: 10)
            try bench.listen(family, sources: numbers(ownLimit: 10))
            for number in 0..<3 {
                #expect(
                    try connect(bench, family, number) == [TCVerdict.redirect, TCVerdict.drop])
            }
            #expect(bench.records().hellos.count == 3)
            #expect(try connect(bench, family, 3) == [TCVerdict.drop])
            #expect(bench.count(.sourceTooFast) == 1)
            #expect(bench.count(.helloRecorded) == 3)
        }
    }

    @Test(arguments: Family.allCases)
    func `loses no turn by SYNs that anybody may have sent`(family: Family) throws {
        try TestBench.use { bench in
            try bench.datapath.set(allowance(burst: 1), asLimit: 11)
            try bench.listen(family, sources: numbers(processLimit: 11))
            for number in 0..<50 {
                let (tuple, client) = client(family, number)
                let syn = try bench.run(.handshakeEthernet, on: packet(client.syn, of: tuple))
                #expect(syn.verdict == TCVerdict.redirect)
            }
            #expect(try connect(bench, family, 50) == [TCVerdict.redirect, TCVerdict.drop])
            #expect(bench.records().hellos.count == 1)
            #expect(bench.count(.sourceTooFast) == 0)
        }
    }

    @Test(arguments: Family.allCases, [false, true])
    func `is stopped at the hello when its SYNs came all at once`(family: Family, resets: Bool)
        throws
    {
        let number: UInt16 = resets ? 12 : 13
        try TestBench.use { bench in
            try bench.datapath.set(allowance(burst: 1) { $0.resets = resets }, asLimit: number)
            try bench.listen(family, sources: numbers(ownLimit: number))
            let both = (0..<2).map { client(family, $0) }
            for (tuple, client) in both {
                _ = try bench.run(.handshakeEthernet, on: packet(client.syn, of: tuple))
            }
            var last = try both.map { tuple, client in
                let note = try #require(bench.datapath.note(of: tuple))
                let data = packet(client.packet([.ack], note, hello(517)), of: tuple)
                return (data, note, try bench.run(.handshakeEthernet, on: data))
            }
            let (data, note, result) = last.removeLast()
            #expect(bench.records().hellos.count == 1)
            #expect(bench.count(.sourceTooFast) == 1)
            if resets {
                var reset = TestPacket(data.tuple.reversed)
                reset.flags = [.rst]
                reset.sequence = note.cookie &+ 1
                reset.window = 0
                expect(result, isRedirectOf: reset)
                #expect(bench.datapath.note(of: data.tuple) == nil)
            } else {
                expect(result, leaves: data.bytes, TCVerdict.drop)
                // Sent again, it is judged again.
                _ = try bench.run(.handshakeEthernet, on: data)
                #expect(bench.count(.sourceTooFast) == 2)
            }
        }
    }

    @Test func `takes one turn for a hello of several segments`() throws {
        try TestBench.use { bench in
            try bench.datapath.set(allowance(burst: 1), asLimit: 14)
            try bench.listen(.v4, sources: numbers(ownLimit: 14))
            let client = HandshakeClient(.v4)
            let note = try client.connect(bench)
            for _ in 0..<3 {
                _ = try bench.run(.handshakeEthernet, on: client.packet([.ack], note, hello(900)))
            }
            #expect(bench.records().hellos.count == 3)
            #expect(bench.count(.sourceTooFast) == 0)
        }
    }

    @Test func `is only counted in a dry run`() throws {
        try TestBench.use { bench in
            try bench.datapath.set(allowance(burst: 1) { $0.isDryRun = true }, asLimit: 15)
            try bench.listen(.v4, sources: numbers(ownLimit: 15))
            for number in 0..<4 { _ = try connect(bench, .v4, number) }
            #expect(bench.records().hellos.count == 4)
            #expect(bench.count(.fastDryRun) == 3)
            #expect(bench.count(.sourceTooFast) == 0)
        }
    }

    @Test(arguments: Family.allCases)
    func `that is full opens no connection until it is not`(family: Family) throws {
        let number: UInt16 = family == .v4 ? 16 : 17
        let length = family == .v4 ? 24 : 56
        try TestBench.use { bench in
            var allowance = SourceAllowance()
            allowance.countsConnections = true
            (allowance.prefixLengthV4, allowance.prefixLengthV6) = (24, 56)
            try bench.datapath.set(allowance, asLimit: number)
            try bench.listen(family, sources: numbers(processLimit: number))
            let block = try block(family, length)
            try bench.datapath.set(isFull: true, block, underLimit: number)
            #expect(try connect(bench, family, 1) == [TCVerdict.drop])
            #expect(bench.count(.sourceFull) == 1)
            try bench.datapath.set(isFull: false, block, underLimit: number)
            #expect(try connect(bench, family, 2) == [TCVerdict.redirect, TCVerdict.drop])
            #expect(bench.records().hellos.count == 1)
        }
    }

    @Test func `is free again when its list is taken back`() throws {
        try TestBench.use { bench in
            let blocks = try [everyone(.v4), block(.v4, 24)]
            try bench.datapath.add(blocks.map { ($0, .isDropped) }, toList: 30)
            try bench.listen(.v4, sources: numbers(ownList: 30))
            try expectDrop(bench, HandshakeClient(.v4).syn, .sourceDenied)
            bench.datapath.remove(blocks, fromList: 30)
            _ = try HandshakeClient(.v4).connect(bench)
            #expect(bench.count(.sourceDenied) == 1)
        }
    }
}
