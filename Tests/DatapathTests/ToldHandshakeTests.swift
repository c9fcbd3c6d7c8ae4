// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

/// Listeners whose endpoints may speak first.
@Suite(.needsKernel) struct `Handshake that the daemon is told of` {
    private func listen(_ bench: TestBench, _ family: Family) throws {
        var promise = ListenerPromise(listener: 3, mss: 1400)
        promise.tellsAcknowledgements = true
        try bench.datapath.listen(on: family.client.destination, promise)
    }

    @Test(arguments: HandshakeClient.offers)
    func `is a segment of no bytes`(client: HandshakeClient) throws {
        try TestBench.use { bench in
            try listen(bench, client.family)
            let note = try client.connect(bench)
            #expect(bench.records().hellos.isEmpty)
            let ack = client.packet([.ack], note)
            for _ in 0..<2 {
                let result = try bench.run(.handshakeEthernet, on: ack)
                expect(result, leaves: ack.bytes, TCVerdict.drop)
            }
            let heard = bench.records().hellos
            #expect(heard.count == 2 && bench.count(.handshakeAck) == 2)
            let first = try #require(heard.first)
            #expect(first.bytes.isEmpty && !first.record.isDamaged)
            #expect(first.record.tuple == client.family.client && first.record.note == note)
            #expect(first.record.sequence == client.sequence &+ 1)
            #expect(first.record.timestamp == (client.hasTimestamps ? client.timestamp &+ 3 : 0))
            #expect(first.record.window == 501)
            // It is the worker's: the sweep need not look for it.
            #expect(bench.datapath.silentClients(since: .max).isEmpty)
        }
    }

    /// What it came to is known, though its note was forgotten: nobody asks for the ACK again, and who
    /// says nothing more is looked for.
    @Test(arguments: [false, true])
    func `is one that only its cookie remembers, too`(isTold: Bool) throws {
        try TestBench.use { bench in
            let client = HandshakeClient(.v4)
            if isTold { try listen(bench, .v4) } else { try bench.listen(.v4) }
            let note = try client.connect(bench)
            bench.datapath.forgetHandshake(of: client.family.client)
            _ = try bench.run(.handshakeEthernet, on: client.packet([.ack], note))
            #expect(bench.count(.cookieAccepted) == 1 && bench.count(.handshakeAck) == 1)
            #expect(bench.records().hellos.count == (isTold ? 1 : 0))
            let half = bench.datapath.halfOpenClients(of: [3], begun: 0..<UInt64.max, atMost: 9)
            #expect(half.isEmpty)
            #expect(bench.datapath.silentClients(since: .max).count == (isTold ? 0 : 1))
        }
    }

    @Test(arguments: Family.allCases)
    func `is missed while the client's ACK is`(family: Family) throws {
        try TestBench.use { bench in
            try listen(bench, family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            func halfOpen(_ listeners: Set<UInt16>, atMost limit: Int = 9) -> [FlowTuple] {
                bench.datapath.halfOpenClients(of: listeners, begun: 0..<UInt64.max, atMost: limit)
                    .map(\.client)
            }
            #expect(halfOpen([3]) == [family.client])
            #expect(halfOpen([4]).isEmpty && halfOpen([3], atMost: 0).isEmpty)
            _ = try bench.run(.handshakeEthernet, on: client.packet([.ack], note))
            #expect(halfOpen([3]).isEmpty)
        }
    }

    /// A check of the port's health, say: it would wait for an endpoint that waits for it.
    @Test(arguments: Family.allCases)
    func `of a client that leaves at once is told to be over`(family: Family) throws {
        try TestBench.use { bench in
            try listen(bench, family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            _ = try bench.run(.handshakeEthernet, on: client.packet([.ack], note))
            #expect(bench.records().hellos.count == 1)
            _ = try bench.run(.handshakeEthernet, on: client.packet([.ack, .fin], note))
            let told = bench.records().flows
            #expect(told.map(\.kind) == [.abandoned])
            #expect(told.first?.client == family.client)
            #expect(told.first?.sequence == client.sequence &+ 1)
            #expect(bench.count(.resetEarlyFin) == 1)
        }
    }

    @Test func `is not told where nobody asks for it`() throws {
        try TestBench.use { bench in
            try bench.listen(.v4)
            let client = HandshakeClient(.v4)
            let note = try client.connect(bench)
            _ = try bench.run(.handshakeEthernet, on: client.packet([.ack], note))
            #expect(bench.records().hellos.isEmpty && bench.count(.handshakeAck) == 1)
        }
    }
}

@Suite(.needsKernel) struct `Templates` {
    @Test func `are read back until others take their place`() throws {
        try TestBench.use { bench in
            var ring = bench.templateRing()
            let first = ring.store(hello(3000).span, segmentSize: 1000)
            let second = ring.store(hello(60).span, segmentSize: 1000)
            #expect(ring.read(first, count: 52) == Array(hello(3000)[..<52]))
            #expect(ring.read(first, count: 1000) == Array(hello(3000)[..<1000]))
            #expect(ring.read(first, count: 3000) == hello(3000), "of all segments")
            #expect(ring.read(first, count: 3001) == nil, "more than there is")
            #expect(ring.read(second, count: 60) == hello(60))
            var stale = first
            stale.stamp &-= 2
            #expect(ring.read(stale, count: 1) == nil)
            #expect(ring.read(TemplateReference(), count: 0) == nil)
            // By another daemon, that knows the place alone.
            let other = bench.templateRing()
            #expect(other.read(first, count: 9) == Array(hello(3000)[..<9]))
        }
    }
}
