// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import DatapathTesting
import Glibc
import KernelBPF
import Testing
import WireTypes

/// CLOCK_MONOTONIC in nanoseconds.
private func now() -> UInt64 {
    var now = timespec()
    // The kernel fills the local struct.
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// A client of a plain listener, and what its endpoint says. Both ends' numbers are their own.
private struct PlainTalk {
    let bench: TestBench
    let family: Family
    var client: HandshakeClient
    let endpointSequence: UInt32 = 0x7fff_fff0

    /// One endpoint, the family's, gets everybody.
    init(_ bench: TestBench, _ family: Family, slots: [UInt16] = [0]) throws {
        self.bench = bench
        self.family = family
        client = HandshakeClient(family)
        var promise = ListenerPromise(listener: 3, mss: 1400)
        promise.isPlain = true
        try bench.datapath.listen(on: family.client.destination, promise)
        let upstream = family.upstream
        let table = PlainTable(
            cluster: 5, hashesPort: false,
            endpoints: [
                PlainTable.Endpoint(
                    address: upstream.destination, sources: [upstream.source.address], index: 9)
            ], slots: slots)
        try bench.datapath.setPlainTable(table, listener: 3, isIPv4: family == .v4)
    }

    /// Sends the SYN; the tuple that it went on with.
    func open() throws -> FlowTuple {
        let result = try bench.run(.flowsEthernet, on: client.syn)
        let opening = try #require(bench.datapath.opening(of: family.client))
        expect(result, isRedirectOf: forwarded(client.syn, as: opening.rewrite))
        return opening.rewrite
    }

    /// What the client's sequence numbers and its clock are moved by towards the endpoint.
    var shift: (sequence: UInt32, clock: UInt32) {
        let row =
            bench.datapath.opening(of: family.client) ?? bench.datapath.row(of: family.client)
        return (row?.sequenceDelta ?? 0, row?.timestampValueDelta ?? 0)
    }

    func synAck(from way: FlowTuple) -> TestPacket {
        var packet = TestPacket(way.reversed)
        packet.flags = [.syn, .ack]
        packet.sequence = endpointSequence
        packet.acknowledgement = client.sequence &+ 1 &+ shift.sequence
        packet.options = [
            .maximumSegment(1460), .sackPermitted,
            .timestamps(77, client.timestamp &+ shift.clock), .nop, .windowScale(11),
        ]
        return packet
    }

    /// The client's answer to it, with or without data.
    func answer(_ data: [UInt8] = []) -> TestPacket {
        var packet = TestPacket(family.client)
        packet.flags = [.ack]
        packet.sequence = client.sequence &+ 1
        packet.acknowledgement = endpointSequence &+ 1
        packet.options = [.nop, .nop, .timestamps(client.timestamp &+ 1, 77)]
        packet.payload = data
        return packet
    }

    /// Up to the flow that stands.
    func establish() throws -> FlowTuple {
        let way = try open()
        expect(
            try bench.run(.flowsEthernet, on: synAck(from: way)),
            isRedirectOf: forwarded(synAck(from: way), as: family.client.reversed))
        expect(
            try bench.run(.flowsEthernet, on: answer()),
            isRedirectOf: forwarded(answer(), as: way))
        return way
    }

    /// One hop further, under another tuple, with the client's numbers and clock as the receiver
    /// knows them, and else as it was.
    func forwarded(_ packet: TestPacket, as tuple: FlowTuple) -> TestPacket {
        let isOfClient = packet.tuple == family.client
        var packet = packet
        packet.tuple = tuple
        packet.timeToLive -= 1
        if isOfClient {
            packet.sequence &+= shift.sequence
        } else if packet.flags.contains(.ack) {
            packet.acknowledgement &-= shift.sequence
        }
        packet.options = packet.options.map { option in
            guard case .timestamps(let value, let echo) = option else { return option }
            return isOfClient
                ? .timestamps(value &+ shift.clock, echo)
                : .timestamps(value, echo &- shift.clock)
        }
        return packet
    }
}

@Suite(.needsKernel) struct `Plain listener` {
    @Test(arguments: Family.allCases)
    func `sends the SYN on to an endpoint, options and all`(family: Family) throws {
        try TestBench.use { bench in
            let way = try PlainTalk(bench, family).open()
            #expect(way.destination == family.upstream.destination)
            #expect(way.source.address == family.upstream.source.address)
            #expect(TestBench.plainPorts.contains(way.source.port))
            #expect(bench.counts == [.plainOpened: 1, .translated: 1])
            #expect(bench.datapath.row(of: family.client) == nil)
            #expect(bench.records().hellos.isEmpty)
        }
    }

    @Test(arguments: Family.allCases)
    func `has a flow once the client acknowledged the endpoint's SYN-ACK`(family: Family) throws {
        try TestBench.use { bench in
            let way = try PlainTalk(bench, family).establish()
            let up = try #require(bench.datapath.row(of: family.client))
            let down = try #require(bench.datapath.row(of: way.reversed))
            #expect(up.state == .established && down.state == .established)
            #expect(up.createdNanoseconds == down.createdNanoseconds)
            #expect((up.acknowledgementDelta, down.sequenceDelta) == (0, 0))
            #expect(up.sequenceDelta &+ down.acknowledgementDelta == 0)
            #expect((up.timestampEchoDelta, down.timestampValueDelta) == (0, 0))
            #expect(up.timestampValueDelta &+ down.timestampEchoDelta == 0)
            #expect((up.windowShift, down.windowShift) == (0, 0))
            #expect(up.endpointScale == 11)
            // The SYN and the ACK; the SYN-ACK.
            #expect(up.packets == 2 && down.packets == 1)
            #expect(bench.datapath.opening(of: family.client) == nil)
            #expect(bench.datapath.opening(of: way.reversed) == nil)
            let told = bench.records()
            #expect(told.hellos.isEmpty)
            #expect(told.flows.map(\.kind) == [.established])
            #expect(told.flows.first?.isPlain == true)
            #expect(told.flows.first?.upstream == way)
        }
    }

    /// The endpoint may remember the port: of another client, whose numbers and clock were others.
    @Test(arguments: Family.allCases)
    func `gives the endpoint sequence numbers and a clock that go on rising`(
        family: Family
    ) throws {
        try TestBench.use { bench in
            let secret = try bench.datapath.initialSequenceSecret()
            #expect(secret != (0, 0))
            var seen: [FlowTuple: [(sequence: UInt32, clock: UInt32, time: UInt64)]] = [:]
            for number in 0..<40 as Range<UInt32> {
                var talk = try PlainTalk(bench, family)
                talk.client.sequence = 0 &- number &* 0x1234_5678
                talk.client.timestamp = number &* 0x8765_4321
                let way = try talk.open()
                let row = try #require(bench.datapath.opening(of: family.client))
                seen[way, default: []].append(
                    (
                        talk.client.sequence &+ talk.shift.sequence,
                        talk.client.timestamp &+ talk.shift.clock, row.createdNanoseconds
                    ))
                bench.datapath.removeOpening(of: family.client)
                bench.datapath.removeOpening(of: way.reversed)
            }
            #expect(seen.count == TestBench.plainPorts.count)
            for ways in seen.values {
                for (one, next) in zip(ways, ways.dropFirst()) {
                    // A step is 4 µs or so (RFC 6528 §3).
                    let steps = next.time / 4096 - one.time / 4096
                    #expect(next.sequence &- one.sequence == UInt32(steps))
                }
                for one in ways {
                    #expect(one.clock == UInt32(truncatingIfNeeded: one.time / 1_000_000))
                }
            }
            #expect(Set(seen.values.map { $0[0].sequence >> 20 }).count > 1)
        }
    }

    @Test(arguments: Family.allCases)
    func `leaves a client without timestamps its options`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family)
            var syn = talk.client.syn
            syn.options = [.maximumSegment(1460)]
            let result = try bench.run(.flowsEthernet, on: syn)
            let row = try #require(bench.datapath.opening(of: family.client))
            #expect(row.timestampValueDelta == 0)
            expect(result, isRedirectOf: talk.forwarded(syn, as: row.rewrite))
        }
    }

    @Test(arguments: Family.allCases)
    func `takes data for the ACK that was lost`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family)
            let way = try talk.open()
            _ = try bench.run(.flowsEthernet, on: talk.synAck(from: way))
            let data = talk.answer([1, 2, 3])
            expect(
                try bench.run(.flowsEthernet, on: data),
                isRedirectOf: talk.forwarded(data, as: way))
            #expect(bench.datapath.row(of: family.client)?.bytes == 3)
        }
    }

    @Test(arguments: Family.allCases)
    func `sends a repeated SYN the same way, and another one anew`(family: Family) throws {
        try TestBench.use { bench in
            var talk = try PlainTalk(bench, family)
            let way = try talk.open()
            expect(
                try bench.run(.flowsEthernet, on: talk.client.syn),
                isRedirectOf: talk.forwarded(talk.client.syn, as: way))
            talk.client.sequence = 99
            // Perhaps from the same port: the first one's rows are gone.
            _ = try talk.open()
            #expect(bench.datapath.opening(of: family.client)?.firstSequence == 100)
        }
    }

    /// The endpoint is down, as checks have found meanwhile, and has others in its place.
    @Test(arguments: Family.allCases)
    func `sends a repeated SYN that nobody answered to whoever serves by now`(
        family: Family
    ) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family)
            _ = try talk.open()
            let other = TransportAddress(family.upstream.destination.address, 9999)
            let table = PlainTable(
                cluster: 5, hashesPort: false,
                endpoints: [
                    PlainTable.Endpoint(
                        address: other, sources: [family.upstream.source.address], index: 2)
                ], slots: [0])
            try bench.datapath.setPlainTable(table, listener: 3, isIPv4: family == .v4)
            _ = try bench.run(.flowsEthernet, on: talk.client.syn)
            // Perhaps its answer is under way.
            #expect(
                bench.datapath.opening(of: family.client)?.rewrite.destination
                    == family.upstream.destination)
            usleep(600_000)
            _ = try bench.run(.flowsEthernet, on: talk.client.syn)
            let opening = try #require(bench.datapath.opening(of: family.client))
            #expect(opening.rewrite.destination == other)
            #expect(bench.counts[.plainOpened] == 2)
            // This one answered: its client stays.
            _ = try bench.run(.flowsEthernet, on: talk.synAck(from: opening.rewrite))
            _ = try PlainTalk(bench, family)
            usleep(600_000)
            _ = try bench.run(.flowsEthernet, on: talk.client.syn)
            #expect(
                bench.datapath.opening(of: family.client)?.rewrite.destination == other)
        }
    }

    /// As with data in its SYN (RFC 7413): the endpoint's own may come before its SYN-ACK does again.
    @Test(arguments: Family.allCases)
    func `keeps what the endpoint sent when its SYN-ACK comes again`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family)
            let way = try talk.open()
            let synAck = talk.synAck(from: way)
            _ = try bench.run(.flowsEthernet, on: synAck)
            var data = TestPacket(way.reversed)
            data.flags = [.ack]
            data.sequence = talk.endpointSequence &+ 1
            data.acknowledgement = synAck.acknowledgement
            data.payload = [1, 2, 3]
            _ = try bench.run(.flowsEthernet, on: data)
            _ = try bench.run(.flowsEthernet, on: synAck)
            var answer = talk.answer()
            answer.acknowledgement &+= 3
            #expect(try bench.run(.flowsEthernet, on: answer).verdict == TCVerdict.redirect)
            #expect(bench.datapath.row(of: family.client)?.state == .established)
        }
    }

    @Test(arguments: Family.allCases)
    func `has no flow for an ACK of a number that the endpoint did not say`(
        family: Family
    ) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family)
            let way = try talk.open()
            expect(
                try bench.run(.flowsEthernet, on: talk.answer()), leaves: talk.answer().bytes,
                TCVerdict.drop)
            _ = try bench.run(.flowsEthernet, on: talk.synAck(from: way))
            var forged = talk.answer()
            forged.acknowledgement &+= 1
            expect(
                try bench.run(.flowsEthernet, on: forged), leaves: forged.bytes, TCVerdict.drop)
            #expect(bench.datapath.row(of: family.client) == nil)
            _ = try bench.run(.flowsEthernet, on: talk.answer())
            #expect(bench.datapath.row(of: family.client) != nil)
        }
    }

    @Test(arguments: Family.allCases)
    func `sends a refusal on, and the next SYN`(family: Family) throws {
        try TestBench.use { bench in
            var talk = try PlainTalk(bench, family)
            let way = try talk.open()
            var refusal = TestPacket(way.reversed)
            refusal.flags = [.rst, .ack]
            refusal.acknowledgement = talk.client.sequence &+ 1 &+ talk.shift.sequence
            expect(
                try bench.run(.flowsEthernet, on: refusal),
                isRedirectOf: talk.forwarded(refusal, as: family.client.reversed))
            talk.client.sequence = 4711
            _ = try talk.open()
        }
    }

    /// SYNs that nobody answers must not take all ports for long.
    @Test(arguments: Family.allCases)
    func `takes the port of another opening when there is no other`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family)
            for port in 1...40 as ClosedRange<UInt16> {
                var syn = talk.client.syn
                syn.tuple = family.client(at: family.client.source.address, port)
                let result = try bench.run(.flowsEthernet, on: syn)
                #expect(result.verdict == TCVerdict.redirect)
            }
            _ = try talk.establish()
            // Whose port it was begins anew.
            var stale = talk.answer()
            stale.tuple = family.client(at: family.client.source.address, 1)
            #expect(try bench.run(.flowsEthernet, on: stale).verdict != TCVerdict.redirect)
        }
    }

    /// Each port has a flow; nobody removes those that are over.
    @Test(arguments: [
        (FlowState.closed, 31, true), (.reset, 31, true), (.closed, 28, false),
        (.established, 3600, false), (.closing, 3600, false),
    ])
    func `takes the port of a flow that has been over for half a minute when there is no other`(
        state: FlowState, seconds: UInt64, isTaken: Bool
    ) throws {
        try TestBench.use { bench in
            let family = Family.v4
            let talk = try PlainTalk(bench, family)
            let seen = now() - seconds * 1_000_000_000
            func client(_ port: UInt16) -> FlowTuple {
                family.client(at: family.client.source.address, port)
            }
            func way(_ port: UInt16) -> FlowTuple {
                FlowTuple(
                    source: TransportAddress(family.upstream.source.address, port),
                    destination: family.upstream.destination)
            }
            for port in TestBench.plainPorts {
                var up = FlowRow(rewrite: way(port), state: state, isUpstream: true)
                var down = FlowRow(rewrite: client(port).reversed, state: state, isUpstream: false)
                up.lastSeenNanoseconds = seen
                // The client's packets alone came so late.
                down.lastSeenNanoseconds = seen - 5_000_000_000
                try bench.datapath.set(up, of: client(port))
                try bench.datapath.set(down, of: way(port).reversed)
            }
            guard isTaken else {
                let result = try bench.run(.flowsEthernet, on: talk.client.syn)
                #expect(result.verdict == TCVerdict.drop)
                #expect(bench.counts == [.plainFull: 1])
                return
            }
            let taken = try talk.establish().source.port
            #expect(bench.datapath.row(of: client(taken)) == nil)
            #expect(
                bench.datapath.row(of: way(taken).reversed)?.rewrite == family.client.reversed)
            for port in TestBench.plainPorts where port != taken {
                #expect(bench.datapath.row(of: client(port)) != nil)
                #expect(bench.datapath.row(of: way(port).reversed) != nil)
            }
        }
    }

    @Test(arguments: Family.allCases)
    func `sends data of a SYN on, which the endpoint may take`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family)
            var syn = talk.client.syn
            syn.payload = [1, 2, 3]
            #expect(try bench.run(.flowsEthernet, on: syn).verdict == TCVerdict.redirect)
            let way = try #require(bench.datapath.opening(of: family.client)).rewrite
            var synAck = talk.synAck(from: way)
            synAck.acknowledgement &+= 3
            expect(
                try bench.run(.flowsEthernet, on: synAck),
                isRedirectOf: talk.forwarded(synAck, as: family.client.reversed))
            synAck.acknowledgement &+= 1
            #expect(try bench.run(.flowsEthernet, on: synAck).verdict == TCVerdict.drop)
        }
    }

    /// Ends scale for each other: nothing is to be made up for.
    @Test(arguments: Family.allCases, [true, false])
    func `has a flow that can be made whole again`(family: Family, isUpstream: Bool) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family)
            let way = try talk.establish()
            let (kept, lost) =
                isUpstream ? (family.client, way.reversed) : (way.reversed, family.client)
            bench.datapath.removeRow(of: lost)
            _ = try bench.datapath.restorePeer(of: kept)
            #expect(bench.datapath.row(of: lost)?.windowShift == 0)
            var data = talk.answer([1, 2, 3])
            data.window = 0x4321
            expect(
                try bench.run(.flowsEthernet, on: data),
                isRedirectOf: talk.forwarded(data, as: way))
            var back = TestPacket(way.reversed)
            back.sequence = talk.endpointSequence &+ 1
            back.acknowledgement = talk.client.sequence &+ 1 &+ talk.shift.sequence
            expect(
                try bench.run(.flowsEthernet, on: back),
                isRedirectOf: talk.forwarded(back, as: family.client.reversed))
        }
    }

    @Test(arguments: Family.allCases)
    func `begins anew on a flow that is over`(family: Family) throws {
        try TestBench.use { bench in
            var talk = try PlainTalk(bench, family)
            let way = try talk.establish()
            for tuple in [family.client, way.reversed] {
                var row = try #require(bench.datapath.row(of: tuple))
                row.state = .closed
                try bench.datapath.set(row, of: tuple)
            }
            talk.client.sequence = 4711
            _ = try talk.open()
            #expect(bench.datapath.row(of: family.client) == nil)
            #expect(bench.datapath.row(of: way.reversed) == nil)
        }
    }

    @Test(arguments: Family.allCases)
    func `sends a SYN-ACK on that comes again when the flow stands`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family)
            let way = try talk.establish()
            expect(
                try bench.run(.flowsEthernet, on: talk.synAck(from: way)),
                isRedirectOf: talk.forwarded(talk.synAck(from: way), as: family.client.reversed))
        }
    }

    @Test(arguments: Family.allCases)
    func `resets clients when nobody serves`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family, slots: [.max])
            var reset = TestPacket(family.client.reversed)
            reset.flags = [.rst, .ack]
            reset.acknowledgement = talk.client.sequence &+ 1
            reset.window = 0
            expect(
                try bench.run(.flowsEthernet, on: talk.client.syn), isRedirectOf: reset)
            #expect(bench.counts == [.plainRefused: 1])
        }
    }

    @Test(arguments: Family.allCases)
    func `takes nobody when ports or the table are full`(family: Family) throws {
        try TestBench.use { bench in
            var talk = try PlainTalk(bench, family)
            bench.datapath.setTableFull(true)
            let syn = talk.client.syn
            let refused = try bench.run(.flowsEthernet, on: syn)
            expect(refused, leaves: syn.bytes, TCVerdict.drop)
            bench.datapath.setTableFull(false)
            for port in TestBench.plainPorts {
                let way = FlowTuple(
                    source: TransportAddress(family.upstream.source.address, port),
                    destination: family.upstream.destination)
                let row = FlowRow(
                    rewrite: family.client.reversed, state: .established, isUpstream: false)
                try bench.datapath.set(row, of: way.reversed)
            }
            talk.client.sequence = 1
            let last = try bench.run(.flowsEthernet, on: talk.client.syn)
            #expect(last.verdict == TCVerdict.drop)
            #expect(bench.counts == [.plainFull: 2])
        }
    }

    /// What the daemon looks for rows of, and what is none of its affair.
    @Test(arguments: Family.allCases)
    func `tells the daemon of segments of no flow`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family)
            let segment = talk.answer([1])
            #expect(try bench.run(.flowsEthernet, on: segment).verdict == TCVerdict.pass)
            #expect(try bench.run(.handshakeEthernet, on: segment).verdict == TCVerdict.drop)
            #expect(bench.records().flows.map(\.kind) == [.stray])
        }
    }

    /// Forged SYNs push out one another, and no flow.
    @Test(arguments: Family.allCases)
    func `keeps its flows under a flood of SYNs`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try PlainTalk(bench, family)
            let way = try talk.establish()
            for port in 1...500 as ClosedRange<UInt16> {
                var syn = talk.client.syn
                syn.tuple = family.client(at: family.client.source.address, port)
                _ = try bench.run(.flowsEthernet, on: syn)
            }
            #expect(bench.datapath.row(of: family.client)?.state == .established)
            #expect(bench.datapath.row(of: way.reversed)?.state == .established)
        }
    }

    @Test(arguments: Family.allCases, [HashKey.source, .sourcePort])
    func `picks the endpoint that the daemon would pick`(family: Family, key: HashKey) throws {
        let addresses = (0..<50).map { index in
            TransportAddress(family.upstream.destination.address, 9000 + UInt16(index))
        }
        var balance = Balance()
        (balance.policy, balance.hashKey) = (.maglev, key)
        var picker = Picker(
            addresses.map { Endpoint(address: $0) }, loads: addresses.map { _ in EndpointLoad() },
            balance: balance)
        let table = PlainTable(
            cluster: 5, hashesPort: picker.hashesPort,
            endpoints: addresses.enumerated().map { index, address in
                PlainTable.Endpoint(
                    address: address, sources: [family.upstream.source.address],
                    index: UInt16(index))
            }, slots: picker.slots(now: 0))
        try TestBench.use { bench in
            _ = try PlainTalk(bench, family)
            try bench.datapath.setPlainTable(table, listener: 3, isIPv4: family == .v4)
            var syn = HandshakeClient(family).syn
            for number in 0..<100 as Range<UInt16> {
                syn.tuple = family.client(at: syn.tuple.source.address.next, 1000 + number)
                _ = try bench.run(.flowsEthernet, on: syn)
                let way = try #require(bench.datapath.opening(of: syn.tuple)).rewrite
                let index = picker.pick(for: ClientKey(source: syn.tuple.source), now: 0)
                #expect(way.destination == index.map { addresses[$0] })
                bench.datapath.removeOpening(of: syn.tuple)
                bench.datapath.removeOpening(of: way.reversed)
            }
        }
    }
}

extension Family {
    fileprivate func client(at address: IPAddress, _ port: UInt16) -> FlowTuple {
        FlowTuple(
            source: TransportAddress(address, port), destination: client.destination)
    }
}

extension IPAddress {
    fileprivate var next: IPAddress { IPAddress(high: high, low: low + 1) }
}
