// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

/// The client's FIN at this number, behind two bytes of data; the endpoint's at its own.
private let clientFIN: UInt32 = 0xffff_fffd
private let endpointFIN: UInt32 = 0x8000_0000

@Suite(.needsKernel) struct `Life of a flow` {
    private let splice: EstablishedSplice = {
        var splice = EstablishedSplice(.v4)
        // Both ends have sent nearly all before their FINs.
        splice.upstream.nextSequence = UInt64(clientFIN)
        splice.downstream.nextSequence = UInt64(endpointFIN)
        return splice
    }()

    private func send(_ bench: TestBench, _ packet: TestPacket) throws {
        let row = packet.tuple == splice.clientTuple ? splice.upstream : splice.downstream
        let result = try bench.run(.flowsEthernet, on: packet)
        expect(result, isRedirectOf: packet.translated(by: row))
    }

    /// The splice, with nothing of either end under way: one number of each is exact.
    private var settled: EstablishedSplice {
        var splice = splice
        let sent = splice.fromClient().sequence
        splice.upstream.nextSequence = UInt64(sent)
        splice.downstream.nextSequence = UInt64(sent)
        splice.upstream.firstSequence = sent
        splice.downstream.firstSequence = sent
        splice.upstream.lastAcknowledgement = sent &+ splice.downstream.sequenceDelta
        splice.downstream.lastAcknowledgement = sent &+ splice.upstream.sequenceDelta
        return splice
    }

    /// The client's FIN behind all that it sent there.
    private var settledFIN: TestPacket {
        splice.fromClient([.fin, .ack]) {
            $0.acknowledgement = settled.upstream.lastAcknowledgement
        }
    }

    private func expectState(_ bench: TestBench, _ state: FlowState) throws {
        #expect(try splice.clientRow(bench).state == state)
        #expect(try splice.endpointRow(bench).state == state)
    }

    private func clientFINPacket() -> TestPacket {
        splice.fromClient([.fin, .ack]) {
            $0.sequence = clientFIN
            $0.payload = [1, 2]
        }
    }

    private func endpointFINPacket() -> TestPacket {
        splice.fromEndpoint([.fin, .ack]) {
            $0.sequence = endpointFIN
            $0.acknowledgement = endpointsLastACK &- 2
        }
    }

    /// The acknowledgement of the client's FIN as the endpoint writes it.
    private var endpointsLastACK: UInt32 { clientFIN &+ 3 &+ splice.upstream.sequenceDelta }
    private var clientsLastACK: UInt32 { endpointFIN &+ 1 &+ splice.downstream.sequenceDelta }

    /// The client's acknowledgement of the endpoint's FIN, behind its own.
    private var clientsLast: TestPacket {
        splice.fromClient {
            $0.sequence = clientFIN &+ 3
            $0.acknowledgement = clientsLastACK
        }
    }

    private func close(_ bench: TestBench) throws {
        try splice.program(bench)
        try send(bench, clientFINPacket())
        try send(
            bench, splice.fromEndpoint { $0.acknowledgement = endpointsLastACK })
        try send(bench, endpointFINPacket())
        try send(bench, clientsLast)
    }

    @Test func `counts packets and data of each direction in its own row`() throws {
        try TestBench.use { bench in
            try splice.program(bench)
            for count in [0, 1, 1000] {
                try send(
                    bench, splice.fromClient { $0.payload = .init(repeating: 1, count: count) })
            }
            try send(bench, splice.fromEndpoint { $0.payload = [1, 2, 3] })
            let client = try splice.clientRow(bench)
            let endpoint = try splice.endpointRow(bench)
            #expect(client.packets == 3 && client.bytes == 1001)
            #expect(endpoint.packets == 1 && endpoint.bytes == 3)
            #expect(client.ingressInterface == bench.interface)
            #expect(client.nextHopInterface(in: bench.datapath) == bench.interface)
            #expect(client.lastSeenNanoseconds > 0)
        }
    }

    @Test func `counts each segment of a super-packet`() throws {
        try TestBench.use { bench in
            try splice.program(bench)
            let packet = splice.fromClient { $0.payload = .init(repeating: 1, count: 3000) }
            let result = try bench.run(.flowsEthernet, on: packet.bytes) {
                $0.segments = 3
                $0.segmentSize = 1000
            }
            expect(result, isRedirectOf: packet.translated(by: splice.upstream))
            let row = try splice.clientRow(bench)
            #expect(row.packets == 3 && row.bytes == 3000)
        }
    }

    @Test(arguments: [0, 1000, 0x8000_0000, 0xffff_fff0] as [UInt32])
    func `remembers the highest acknowledgement, also when an older one comes late`(
        first: UInt32
    ) throws {
        try TestBench.use { bench in
            try splice.program(bench)
            for step: UInt32 in [0, 40, 20, 30] {
                try send(bench, splice.fromClient { $0.acknowledgement = first &+ step })
            }
            try send(bench, splice.fromClient([.syn]) { $0.acknowledgement = first &+ 99 })
            #expect(try splice.clientRow(bench).lastAcknowledgement == first &+ 40)
        }
    }

    @Test func `is closing after a FIN of either side`() throws {
        try TestBench.use { bench in
            for packet in [clientFINPacket(), endpointFINPacket()] {
                try splice.program(bench)
                try expectState(bench, .established)
                try send(bench, packet)
                try expectState(bench, .closing)
            }
            #expect(bench.records().flows.isEmpty)
        }
    }

    @Test func `marks each FIN and what acknowledges it`() throws {
        try TestBench.use { bench in
            try splice.program(bench)
            try send(bench, clientFINPacket())
            #expect(try splice.clientRow(bench).flags == [.upstream, .fin, .finFirst])
            #expect(try splice.endpointRow(bench).flags == [.peerFIN])
            #expect(try splice.clientRow(bench).sentEnd == endpointsLastACK)
            try send(bench, splice.fromEndpoint { $0.acknowledgement = endpointsLastACK &- 1 })
            #expect(try splice.endpointRow(bench).flags == [.peerFIN])
            try send(bench, splice.fromEndpoint { $0.acknowledgement = endpointsLastACK })
            #expect(try splice.endpointRow(bench).flags == [.peerFIN, .finAcknowledged])
            try expectState(bench, .closing)
        }
    }

    @Test func `is closed after both FINs and both acknowledgements, and told once`() throws {
        try TestBench.use { bench in
            try close(bench)
            try expectState(bench, .closed)
            try send(bench, clientsLast)
            let flows = bench.records().flows
            #expect(flows.map(\.kind) == [.closed])
            #expect(flows.first?.client == splice.family.client)
            #expect(flows.first?.upstream == splice.family.upstream)
            #expect(flows.first?.isOurs == false)
        }
    }

    @Test(arguments: [true, false])
    func `remembers who closed first, whoever acknowledges last`(clientFirst: Bool) throws {
        try TestBench.use { bench in
            try splice.program(bench)
            // Both FINs are under way at once: neither acknowledges the other.
            for packet in clientFirst
                ? [clientFINPacket(), endpointFINPacket()]
                : [endpointFINPacket(), clientFINPacket()]
            {
                try send(bench, packet)
            }
            try send(bench, splice.fromEndpoint { $0.acknowledgement = endpointsLastACK })
            try send(bench, clientsLast)
            let flags = try (splice.clientRow(bench).flags, splice.endpointRow(bench).flags)
            #expect(flags.0.contains(.finFirst) == clientFirst)
            #expect(flags.1.contains(.finFirst) == !clientFirst)
        }
    }

    @Test func `is closed when a FIN acknowledges the other`() throws {
        try TestBench.use { bench in
            try splice.program(bench)
            try send(bench, clientFINPacket())
            var packet = endpointFINPacket()
            packet.acknowledgement = endpointsLastACK
            try send(bench, packet)
            try expectState(bench, .closing)
            try send(bench, clientsLast)
            try expectState(bench, .closed)
        }
    }

    @Test func `is closed when FINs crossed`() throws {
        try TestBench.use { bench in
            try splice.program(bench)
            try send(bench, clientFINPacket())
            try send(bench, endpointFINPacket())
            try send(bench, clientsLast)
            try expectState(bench, .closing)
            try send(bench, splice.fromEndpoint { $0.acknowledgement = endpointsLastACK })
            try expectState(bench, .closed)
        }
    }

    @Test func `still translates a repeated FIN when closed`() throws {
        try TestBench.use { bench in
            try close(bench)
            try send(bench, endpointFINPacket())
            try send(bench, clientFINPacket())
            try expectState(bench, .closed)
        }
    }

    @Test func `is reset by an RST of either side, told once, and kept`() throws {
        try TestBench.use { bench in
            for packet in [splice.fromClient([.rst]), splice.fromEndpoint([.rst, .ack])] {
                try settled.program(bench)
                try send(bench, packet)
                try send(bench, packet)
                try expectState(bench, .reset)
                let flows = bench.records().flows
                #expect(flows.map(\.kind) == [.reset])
                #expect(flows.first?.client == splice.family.client)
                #expect(flows.first?.upstream == splice.family.upstream)
            }
        }
    }

    /// Has it reset and revived until its worker's ring has no room for another end.
    private func fillRing(_ bench: TestBench) throws {
        let splice = settled
        try splice.program(bench)
        let (reset, more) = (splice.fromClient([.rst]).bytes, splice.fromClient().bytes)
        for _ in 0..<100_000 {
            _ = try bench.run(.flowsEthernet, on: reset)
            if try splice.clientRow(bench).flags.contains(.untold) { return }
            _ = try bench.run(.flowsEthernet, on: more)
        }
        Issue.record("the ring is not full yet")
    }

    @Test func `is told of when its client comes again, if the ring had no room for its end`()
        throws
    {
        try TestBench.use { bench in
            try fillRing(bench)
            try expectState(bench, .reset)
            let again = splice.fromClient([.syn]).bytes
            // There is no room still: the client repeats its SYN.
            #expect(try bench.run(.flowsEthernet, on: again).verdict == TCVerdict.drop)
            #expect(bench.count(.dropRingFull) == 1)
            try expectState(bench, .reset)
            _ = bench.records()
            _ = try bench.run(.flowsEthernet, on: again)
            let told = bench.records().flows
            #expect(told.map(\.kind) == [.reset])
            #expect(told.first?.isLate == true)
            #expect(told.first?.client == splice.family.client)
            #expect(told.first?.upstream == splice.family.upstream)
            #expect(bench.datapath.row(of: splice.clientTuple) == nil)
            #expect(bench.datapath.row(of: splice.endpointTuple) == nil)
        }
    }

    /// The sweeper finds the endpoint's row, and frees its port: also when that row was revived.
    @Test func `makes no client wait for long when nobody reads the ring, and keeps its port`()
        throws
    {
        try TestBench.use { bench in
            try fillRing(bench)
            try send(bench, splice.fromEndpoint())
            #expect(try splice.endpointRow(bench).state == .established)
            for tuple in [splice.clientTuple, splice.endpointTuple] {
                var row = try #require(bench.datapath.row(of: tuple))
                row.lastSeenNanoseconds -= 1_000_000_000
                try bench.datapath.set(row, of: tuple)
            }
            _ = try bench.run(.flowsEthernet, on: splice.fromClient([.syn]).bytes)
            #expect(bench.datapath.row(of: splice.clientTuple) == nil)
            #expect(bench.datapath.row(of: splice.endpointTuple)?.state == .reset)
            #expect(bench.count(.dropRingFull) == 0)
        }
    }

    @Test func `needs no telling once a later end was told`() throws {
        try TestBench.use { bench in
            try fillRing(bench)
            _ = bench.records()
            try send(bench, splice.fromClient())
            try send(bench, splice.fromClient([.rst]))
            #expect(bench.records().flows.map(\.kind) == [.reset])
            #expect(try splice.clientRow(bench).flags == [.upstream])
            _ = try bench.run(.flowsEthernet, on: splice.fromClient([.syn]).bytes)
            #expect(bench.records().flows.isEmpty)
        }
    }

    @Test func `lives on when an RST's number is not exact`() throws {
        try TestBench.use { bench in
            try settled.program(bench)
            for step: UInt32 in [1, 2, 0xffff, 0x8000_0000, 0xffff_ffff] {
                try send(bench, splice.fromClient([.rst]) { $0.sequence &+= step })
                try send(bench, splice.fromEndpoint([.rst]) { $0.sequence &+= step })
            }
            try expectState(bench, .established)
            #expect(bench.records().flows.isEmpty)
        }
    }

    @Test func `is reset by an RST behind data that is under way`() throws {
        try TestBench.use { bench in
            try settled.program(bench)
            try send(bench, splice.fromClient { $0.payload = .init(repeating: 1, count: 100) })
            try send(bench, splice.fromClient([.rst]) { $0.sequence &+= 101 })
            try expectState(bench, .established)
            try send(bench, splice.fromClient([.rst]) { $0.sequence &+= 100 })
            try expectState(bench, .reset)
        }
    }

    @Test func `believes no number that others may have forged, but the one that is waited for`()
        throws
    {
        try TestBench.use { bench in
            try settled.program(bench)
            // Of a stranger who knows no number, and tries all that a window may hold.
            for step: UInt32 in [0, 1 << 29, 1 << 30, 3 << 29] {
                try send(bench, splice.fromClient { $0.sequence &+= step })
            }
            for step: UInt32 in [1, 1 << 16, 1 << 28, 1 << 30] {
                try send(bench, splice.fromClient([.rst]) { $0.sequence &+= step })
            }
            try expectState(bench, .established)
            try send(bench, splice.fromClient([.rst]))
            try expectState(bench, .reset)
        }
    }

    /// Else one of them would make nearly every number of the other end's RST plausible.
    @Test(
        arguments: [1 << 17, 1 << 29, 0x7fff_ffff] as [UInt32], [0, 1 << 16, 1 << 31] as [UInt32])
    func `believes no RST after an ACK of bytes that nobody sent`(
        ahead: UInt32, step: UInt32
    ) throws {
        try TestBench.use { bench in
            try settled.program(bench)
            let known = settled.upstream.lastAcknowledgement
            try send(bench, splice.fromClient { $0.acknowledgement = known &+ ahead })
            // The very number that the forged ACK names, and others.
            let named = known &+ ahead &+ splice.upstream.acknowledgementDelta
            try send(bench, splice.fromEndpoint([.rst]) { $0.sequence = named &+ step })
            try expectState(bench, .established)
        }
    }

    /// Traffic goes on, and sooner or later acknowledges what lies behind a forged number.
    @Test func `is not over when FINs were forged at both ends`() throws {
        try TestBench.use { bench in
            try settled.program(bench)
            let (up, down) = (settled.upstream, settled.downstream)
            let sent = splice.fromClient().sequence
            try send(
                bench,
                splice.fromClient([.fin, .ack]) {
                    $0.sequence = sent &- 1 << 20
                    $0.acknowledgement = up.lastAcknowledgement
                })
            try send(
                bench,
                splice.fromEndpoint([.fin, .ack]) {
                    $0.sequence = sent &- 1 << 20
                    $0.acknowledgement = down.lastAcknowledgement
                })
            try send(bench, splice.fromClient { $0.acknowledgement = up.lastAcknowledgement })
            try send(bench, splice.fromEndpoint { $0.acknowledgement = down.lastAcknowledgement })
            try expectState(bench, .established)
            #expect(bench.records().flows.isEmpty)
        }
    }

    /// One with the very next number is believed at first, and may be acknowledged by chance.
    @Test func `goes on when data comes behind a FIN`() throws {
        try TestBench.use { bench in
            try settled.program(bench)
            let sent = splice.fromClient().sequence
            let expected = settled.downstream.lastAcknowledgement
            try send(bench, settledFIN)
            try expectState(bench, .closing)
            try send(bench, splice.fromEndpoint { $0.acknowledgement = expected &+ 1 })
            #expect(try splice.endpointRow(bench).flags == [.peerFIN, .finAcknowledged])
            for count in [1, 10] {
                try send(
                    bench, splice.fromClient { $0.payload = .init(repeating: 1, count: count) })
                // A byte is what the FIN took up.
                try expectState(bench, count == 1 ? .closing : .established)
            }
            #expect(try splice.clientRow(bench).flags == [.upstream])
            #expect(try splice.endpointRow(bench).flags == [])
            #expect(try splice.clientRow(bench).nextSequence == UInt64(sent) + 10)
        }
    }

    /// It is what its sender ended with, and nobody repeats a FIN that is acknowledged.
    @Test(arguments: [1, 1 << 10, 1 << 29] as [UInt32])
    func `keeps a FIN when data come elsewhere`(ahead: UInt32) throws {
        try TestBench.use { bench in
            try settled.program(bench)
            try send(bench, settledFIN)
            let next = try splice.clientRow(bench).nextSequence
            try send(
                bench,
                splice.fromClient {
                    $0.sequence &+= ahead
                    $0.payload = [1, 2, 3]
                })
            // A keepalive with a byte of garbage, as of old.
            try send(bench, splice.fromClient { $0.payload = [0] })
            try expectState(bench, .closing)
            #expect(try splice.clientRow(bench).nextSequence == next)
        }
    }

    /// Who forges a number can forge its acknowledgement.
    @Test(arguments: [1 << 19, 1 << 20, 1 << 30, 1 << 31] as [UInt32])
    func `believes a FIN in front of forged numbers that were acknowledged`(
        acknowledged: UInt32
    ) throws {
        try TestBench.use { bench in
            try settled.program(bench)
            let down = settled.downstream
            try send(bench, splice.fromClient { $0.sequence &+= 1 << 20 })
            try send(
                bench,
                splice.fromEndpoint {
                    $0.acknowledgement = down.lastAcknowledgement &+ acknowledged
                })
            try send(bench, settledFIN)
            try expectState(bench, .closing)
            #expect(try splice.clientRow(bench).sentEnd == down.lastAcknowledgement &+ 1)
        }
    }

    /// An empty segment says that its sender is further than it is.
    @Test func `is closed by a FIN in front of a forged number`() throws {
        try TestBench.use { bench in
            try settled.program(bench)
            let (up, down) = (settled.upstream, settled.downstream)
            try send(bench, splice.fromClient { $0.sequence &+= 1 << 20 })
            try send(bench, settledFIN)
            try send(
                bench,
                splice.fromEndpoint([.fin, .ack]) {
                    $0.acknowledgement = down.lastAcknowledgement &+ 1
                })
            try send(
                bench,
                splice.fromClient {
                    $0.sequence &+= 1
                    $0.acknowledgement = up.lastAcknowledgement &+ 1
                })
            try expectState(bench, .closed)
        }
    }

    @Test func `counts new data once, across the end of the numbers`() throws {
        try TestBench.use { bench in
            var splice = settled
            splice.upstream.nextSequence = 0xffff_fff0
            try splice.program(bench)
            for (offset, count): (UInt32, Int) in [(0, 10), (0, 10), (20, 10), (10, 10), (5, 10)] {
                try send(
                    bench,
                    splice.fromClient {
                        $0.sequence = 0xffff_fff0 &+ offset
                        $0.payload = .init(repeating: 1, count: count)
                    })
            }
            let row = try splice.clientRow(bench)
            #expect(row.nextSequence == 0xffff_fff0 + 30)
            #expect(row.bytes == 50)
        }
    }

    @Test func `is revived by later traffic: nobody took the RST`() throws {
        try TestBench.use { bench in
            try settled.program(bench)
            try send(bench, splice.fromClient([.rst]))
            try send(bench, splice.fromEndpoint { $0.payload = [1] })
            #expect(try splice.endpointRow(bench).state == .established)
            try send(bench, splice.fromClient { $0.payload = [1] })
            try expectState(bench, .established)
        }
    }

    @Test func `is revived as closing when a FIN was seen`() throws {
        try TestBench.use { bench in
            try splice.program(bench)
            try settled.program(bench)
            try send(bench, settledFIN)
            try send(bench, splice.fromEndpoint([.rst]))
            try expectState(bench, .reset)
            try send(bench, splice.fromEndpoint { $0.payload = [1] })
            #expect(try splice.endpointRow(bench).state == .closing)
        }
    }

    @Test func `stays closed when an RST follows`() throws {
        try TestBench.use { bench in
            try close(bench)
            try send(bench, splice.fromClient([.rst]))
            try expectState(bench, .closed)
            #expect(bench.records().flows.map(\.kind) == [.closed])
        }
    }

    @Test(arguments: [FlowState.closed, .reset])
    func `ends with a SYN of the client when it is over: both rows go`(state: FlowState) throws {
        try TestBench.use { bench in
            var splice = splice
            splice.upstream.state = state
            splice.downstream.state = state
            try splice.program(bench)
            let packet = splice.fromClient([.syn]).bytes
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, leaves: packet, TCVerdict.pass)
            #expect(bench.datapath.row(of: splice.clientTuple) == nil)
            #expect(bench.datapath.row(of: splice.endpointTuple) == nil)
        }
    }

    @Test(arguments: [FlowState.established, .closing])
    func `lets the other end challenge a SYN while it lives`(state: FlowState) throws {
        try TestBench.use { bench in
            var splice = splice
            splice.upstream.state = state
            splice.downstream.state = state
            try splice.program(bench)
            try send(bench, splice.fromClient([.syn]))
            try send(bench, splice.fromEndpoint([.syn]))
            #expect(try splice.clientRow(bench).state == state)
        }
    }

    @Test func `goes on in one direction when the other row is gone`() throws {
        try TestBench.use { bench in
            try bench.datapath.set(splice.upstream, of: splice.clientTuple)
            try send(bench, splice.fromClient([.fin, .ack]))
            try send(bench, splice.fromClient([.rst]))
            #expect(bench.count(.translated) == 2)
        }
    }
}
