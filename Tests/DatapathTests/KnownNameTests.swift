// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

/// A ClientHello that asks for `name` behind two other extensions, in one record, with `filling`
/// bytes of another one at its end.
private func clientHello(_ name: String, session: Int = 32, filling: Int = 100) -> [UInt8] {
    let host = sized(2, [0] + sized(2, Array(name.utf8)))
    var extensions: [UInt8] = [0x0a, 0x0a, 0, 0]
    extensions += [0, 43] + sized(2, [2, 3, 4])
    extensions += [0, 0] + sized(2, host)
    extensions += [0, 21] + sized(2, [UInt8](repeating: 0, count: filling))
    var body: [UInt8] = [3, 3] + [UInt8](0..<32)
    body += sized(1, [UInt8](repeating: 7, count: session))
    body += sized(2, [0x13, 1, 0x13, 3]) + sized(1, [0]) + sized(2, extensions)
    return [22, 3, 1] + sized(2, [1] + sized(3, body))
}

/// Bytes with their count in front.
private func sized(_ width: Int, _ content: [UInt8]) -> [UInt8] {
    let count: [UInt8] = (0..<width).reversed().map {
        UInt8(truncatingIfNeeded: content.count >> ($0 * 8))
    }
    return count + content
}

private let name = "www.example.org"

/// A client behind its handshake with a listener of which one name is known.
private struct KnownTalk {
    let bench: TestBench
    let family: Family
    var client: HandshakeClient
    var names: KnownNames
    var note: HandshakeNote

    init(
        _ bench: TestBench, _ client: HandshakeClient, listener: UInt16 = 3,
        segmentSize: Int = KnownNames.helloLimit, ports: [UInt16] = [20001]
    ) throws {
        self.bench = bench
        self.client = client
        family = client.family
        try bench.listen(client.family)
        names = KnownNames(bench.datapath, worker: 0)
        let upstream = client.family.upstream
        names.use(4, for: upstream.destination, from: upstream.source.address)
        for port in ports { names.lay(port, slot: 4) }
        let known = try #require(ServerName(name))
        try names.learn(
            known, listener: listener, isIPv4: client.family == .v4,
            KnownRoute(slot: 4, cluster: 5, endpoint: 9, segmentSize: segmentSize, serverName: 77))
        note = try client.connect(bench)
    }

    /// The client's first data.
    func packet(_ data: [UInt8], _ flags: TCPFlags = [.ack, .psh]) -> TestPacket {
        client.packet(flags, note, data)
    }

    /// What must become of it, with the numbers that the record says.
    func syn(_ record: OpenedRecord) -> TestPacket {
        var packet = TestPacket(record.upstream)
        packet.flags = [.syn]
        packet.sequence = record.isn
        // The client's is 501.
        packet.window = 1024
        packet.options = [.maximumSegment(client.mss ?? family.defaultMSS)]
        if client.hasTimestamps {
            packet.options += client.hasSACK ? [.sackPermitted] : [.nop, .nop]
            packet.options.append(.timestamps(splice(record).synTimestamp, 0))
        } else if client.hasSACK {
            packet.options += [.nop, .nop, .sackPermitted]
        }
        if let scale = client.scale { packet.options += [.nop, .windowScale(scale)] }
        return packet
    }

    /// Sends the packet, which must become the SYN; what the worker heard.
    func open(_ packet: TestPacket) throws -> OpenedRecord {
        let result = try bench.run(.handshakeEthernet, on: packet)
        let told = bench.records()
        #expect(told.hellos.isEmpty && told.flows.isEmpty)
        #expect(told.opened.count == 1)
        let record = try #require(told.opened.first)
        expect(result, isRedirectOf: syn(record))
        return record
    }

    /// Sends bytes, which the worker must get as they are; what it heard.
    @discardableResult
    func tell(_ bytes: [UInt8], _ location: SourceLocation = #_sourceLocation) throws
        -> HelloRecord
    {
        let left = names.portsLeft(4)
        let result = try bench.run(.handshakeEthernet, on: bytes)
        expect(result, leaves: bytes, TCVerdict.drop, location)
        let told = bench.records()
        #expect(told.opened.isEmpty, sourceLocation: location)
        #expect(told.hellos.count == 1, sourceLocation: location)
        #expect(bench.count(.helloRouted) == 0, sourceLocation: location)
        #expect(bench.datapath.row(of: family.client) == nil, sourceLocation: location)
        #expect(names.portsLeft(4) == left, sourceLocation: location)
        return try #require(told.hellos.first, sourceLocation: location).record
    }

    /// The same as the daemon would have it.
    func splice(_ record: OpenedRecord) -> Splice {
        var splice = Splice(
            client: family.client, upstream: family.upstream, note: note, isn: record.isn)
        splice.clientTimestamp = client.hasTimestamps ? client.timestamp &+ 3 : 0
        splice.clientWindow = 501
        splice.cluster = 5
        splice.endpoint = 9
        splice.serverName = 77
        splice.createdNanoseconds = record.createdNanoseconds
        splice.template = record.template
        return splice
    }

    /// Another connection of the same port.
    mutating func connectAnew() throws {
        bench.datapath.removeRow(of: family.client)
        client.sequence &+= 1_000_000
        note = try client.connect(bench)
    }
}

/// A row byte by byte; it has no holes.
private func octets(_ row: FlowRow) -> [UInt8] {
    unsafe withUnsafeBytes(of: row) { unsafe Array($0) }
}

@Suite(.needsKernel) struct `Hello of a known name` {
    @Test(arguments: HandshakeClient.offers)
    func `becomes the SYN to its endpoint, with what the client offered`(client: HandshakeClient)
        throws
    {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, client)
            let record = try talk.open(talk.packet(clientHello(name)))
            #expect(record.client == client.family.client)
            #expect(record.upstream == client.family.upstream)
            #expect(bench.counts == [.synAnswered: 1, .helloRouted: 1])
            #expect(talk.names.portsLeft(4) == 0)
        }
    }

    @Test(arguments: HandshakeClient.offers)
    func `has the rows that the daemon would have written`(client: HandshakeClient) throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, client)
            let record = try talk.open(talk.packet(clientHello(name)))
            let keys = [client.family.client, client.family.upstream.reversed]
            let rows = try keys.map { try #require(bench.datapath.row(of: $0)) }
            for key in keys { bench.datapath.removeRow(of: key) }
            var batch = SpliceBatch()
            batch.append(talk.splice(record))
            try bench.datapath.write(&batch)
            let written = try keys.map { try #require(bench.datapath.row(of: $0)) }
            #expect(rows.map(octets) == written.map(octets))
            #expect(rows[0].state == .connecting && rows[0].flags.contains(.upstream))
            #expect(rows[0].sequenceDelta == record.isn &- client.sequence)
            #expect(rows[1].state == .connecting && !rows[1].flags.contains(.upstream))
        }
    }

    @Test(arguments: Family.allCases)
    func `is told with all that the daemon needs`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(family))
            let hello = clientHello(name)
            let record = try talk.open(talk.packet(hello))
            #expect(record.note == talk.note)
            #expect(record.clientTimestamp == talk.client.timestamp &+ 3)
            #expect(record.clientWindow == 501)
            #expect((record.cluster, record.endpoint) == (5, 9))
            #expect(record.template.segments == 1)
            #expect(record.template.length == UInt32(hello.count))
            let ring = bench.templateRing()
            #expect(ring.read(record.template, count: hello.count) == hello)
        }
    }

    @Test(arguments: HandshakeClient.offers)
    func `goes on with the endpoint's SYN-ACK as ACK and hello`(client: HandshakeClient) throws {
        try TestBench.use { bench in
            var talk = try KnownTalk(bench, client, ports: [20001, 20001])
            // An odd number of bytes is summed up in another way.
            for filling in [100, 101] {
                let hello = clientHello(name, filling: filling)
                let record = try talk.open(talk.packet(hello))
                var connecting = ConnectingSplice(
                    client.family, hasTimestamps: client.hasTimestamps,
                    hasSACK: client.hasSACK, hasScale: client.scale != nil)
                connecting.splice = talk.splice(record)
                connecting.options = connecting.options.map { option in
                    guard case .timestamps(let value, _) = option else { return option }
                    return .timestamps(value, connecting.splice.synTimestamp)
                }
                let result = try bench.run(.flowsEthernet, on: connecting.synAck)
                expect(result, isRedirectOf: connecting.answer(hello))
                #expect(bench.records().flows.map(\.kind) == [.established])
                #expect(bench.count(.helloSent) > 0)
                let up = try #require(bench.datapath.row(of: client.family.client))
                #expect(up.state == .established)
                #expect(up.bytes == UInt64(hello.count) && up.packets == 1)
                bench.datapath.removeRow(of: client.family.upstream.reversed)
                try talk.connectAnew()
            }
        }
    }

    @Test(arguments: Family.allCases, [0, 1, 32])
    func `may have a session id or none`(family: Family, count: Int) throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(family))
            _ = try talk.open(talk.packet(clientHello(name, session: count)))
        }
    }

    @Test(arguments: Family.allCases)
    func `may come by a device without a link header`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(family))
            var bare = talk.packet(clientHello(name))
            bare.link = nil
            let result = try bench.run(.handshakeRaw, on: bare.bytes)
            #expect(result.verdict == TCVerdict.redirect)
            let record = try #require(bench.records().opened.first)
            var syn = talk.syn(record)
            syn.link = nil
            let rest = Array(result.packet.dropFirst(14))
            #expect(
                rest == syn.bytes,
                "\(SideBySide(expected: syn.bytes, actual: rest, hasLink: false))")
        }
    }

    @Test(arguments: Family.allCases)
    func `may be padded by the link`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(family))
            let padded = talk.packet(clientHello(name)).bytes + [0xcc, 0xcc, 0xcc]
            let result = try bench.run(.handshakeEthernet, on: padded)
            let record = try #require(bench.records().opened.first)
            expect(result, isRedirectOf: talk.syn(record))
        }
    }

    @Test func `asks from one port after the other, as they were laid out`() throws {
        try TestBench.use { bench in
            let ports: [UInt16] = [20003, 20000, 20007]
            var talk = try KnownTalk(bench, HandshakeClient(.v4), ports: ports)
            for (index, port) in ports.enumerated() {
                if index > 0 { try talk.connectAnew() }
                let record = try talk.open(talk.packet(clientHello(name)))
                #expect(record.upstream.source.port == port)
                #expect(talk.names.portsLeft(4) == ports.count - 1 - index)
            }
            try talk.connectAnew()
            let result = try bench.run(
                .handshakeEthernet, on: talk.packet(clientHello(name)))
            #expect(result.verdict == TCVerdict.drop)
            #expect(bench.records().hellos.count == 1)
        }
    }

    /// Its first SYN is still on its way, or lost: the worker's clock is the client.
    @Test(arguments: Family.allCases)
    func `goes to the worker when it is repeated`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(family), ports: [20001, 20002])
            let packet = talk.packet(clientHello(name))
            let record = try talk.open(packet)
            let again = try bench.run(.flowsEthernet, on: packet)
            expect(again, leaves: packet.bytes, TCVerdict.drop)
            let told = bench.records()
            #expect(told.opened.isEmpty && told.hellos.count == 1)
            let created = told.hellos.first?.record.createdNanoseconds
            #expect(created == record.createdNanoseconds)
            #expect(talk.names.portsLeft(4) == 1)
        }
    }

    @Test func `gives the port back, and goes to the worker, when a row is in its way`() throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(.v4))
            let other = FlowRow(
                rewrite: Family.v4.client.reversed, state: .closed, isUpstream: false)
            try bench.datapath.set(other, of: Family.v4.upstream.reversed)
            let packet = talk.packet(clientHello(name))
            let result = try bench.run(.handshakeEthernet, on: packet)
            expect(result, leaves: packet.bytes, TCVerdict.drop)
            let told = bench.records()
            #expect(told.hellos.count == 1)
            #expect(told.hellos.first?.record.createdNanoseconds == 0)
            let record = try #require(told.opened.first)
            #expect(record.createdNanoseconds == 0)
            #expect(record.upstream == Family.v4.upstream)
            #expect(bench.datapath.row(of: Family.v4.client) == nil)
            let row = try #require(bench.datapath.row(of: Family.v4.upstream.reversed))
            #expect(octets(row) == octets(other))
            #expect(bench.count(.helloRouted) == 0)
        }
    }
}

@Suite(.needsKernel) struct `Hello that the worker looks at` {
    @Test(arguments: Family.allCases)
    func `finds no port laid out`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(family), ports: [])
            try talk.tell(talk.packet(clientHello(name)).bytes)
        }
    }

    @Test func `finds its ports taken back`() throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(.v4), ports: [20001, 20002])
            #expect((0..<3).map { _ in talk.names.takePort(4) } == [20001, 20002, nil])
            try talk.tell(talk.packet(clientHello(name)).bytes)
        }
    }

    @Test(arguments: Family.allCases)
    func `is of a name of another epoch`(family: Family) throws {
        try TestBench.use { bench in
            var talk = try KnownTalk(bench, HandshakeClient(family))
            talk.names.forget()
            try talk.tell(talk.packet(clientHello(name)).bytes)
        }
    }

    @Test func `is of a name that another listener's clients ask for`() throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(.v4), listener: 4)
            try talk.tell(talk.packet(clientHello(name)).bytes)
        }
    }

    /// Nobody would notice before the endpoint, which gets the bytes with a sum of our own.
    @Test(arguments: Family.allCases)
    func `is damaged, and known to be`(family: Family) throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(family))
            var bytes = talk.packet(clientHello(name)).bytes
            bytes[bytes.count - 1] ^= 0x10
            #expect(try talk.tell(bytes).isDamaged)
        }
    }

    @Test(
        arguments: [
            "WWW.EXAMPLE.ORG", "www.example.orG", "ww.example.org", "www.example.org.",
            "www.example.or", "www.example.org\0", "www.example.orga",
            "a.very.long.name.that.no.field.of.the.datapath.has.room.for.example.org",
        ])
    func `has a name that is written in another way`(other: String) throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(.v6))
            try talk.tell(talk.packet(clientHello(other)).bytes)
        }
    }

    @Test(arguments: [0, 1])
    func `is larger than two segments`(excess: Int) throws {
        try TestBench.use { bench in
            // An even number of bytes, half of which is an even number, too.
            var hello = clientHello(name)
            hello = clientHello(name, filling: 100 + (4 - hello.count % 4))
            let talk = try KnownTalk(
                bench, HandshakeClient(.v4), segmentSize: hello.count / 2 - 2 * excess)
            if excess > 0 {
                try talk.tell(talk.packet(hello).bytes)
            } else {
                let record = try talk.open(talk.packet(hello))
                #expect(record.template.segments == 2)
                let stored = bench.templateRing().read(record.template, count: hello.count)
                #expect(stored == hello)
            }
        }
    }

    @Test func `is larger than a segment of a template`() throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(.v4), segmentSize: 4000)
            let hello = clientHello(name, filling: 2000)
            #expect(hello.count > KnownNames.helloLimit)
            try talk.tell(talk.packet(hello).bytes)
        }
    }

    @Test(arguments: [1, 20, 60, 100])
    func `is cut short, or more than one`(count: Int) throws {
        try TestBench.use { bench in
            let hello = clientHello(name)
            for data in [Array(hello.dropLast(count)), hello + hello.prefix(count)] {
                let talk = try KnownTalk(bench, HandshakeClient(.v4))
                try talk.tell(talk.packet(data).bytes)
                bench.datapath.clear()
            }
        }
    }

    @Test(arguments: [[.ack, .fin], [.ack, .urg], [.ack, .syn]] as [TCPFlags])
    func `has flags that say more`(flags: TCPFlags) throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(.v4))
            try talk.tell(talk.packet(clientHello(name), flags).bytes)
        }
    }

    @Test func `begins behind a gap, or comes after other data`() throws {
        try TestBench.use { bench in
            let talk = try KnownTalk(bench, HandshakeClient(.v4))
            var packet = talk.packet(clientHello(name))
            packet.sequence &+= 1
            try talk.tell(packet.bytes)
            // What was told is not new any more.
            packet.sequence &-= 1
            try talk.tell(packet.bytes)
        }
    }

    @Test func `is behind IP options or extension headers`() throws {
        for family in Family.allCases {
            try TestBench.use { bench in
                let talk = try KnownTalk(bench, HandshakeClient(family))
                var packet = talk.packet(clientHello(name))
                if family == .v4 {
                    packet.ipOptions = [1, 1, 1, 0]
                } else {
                    packet.extensions = [IPv6Extension(60, [1, 4, 0, 0, 0, 0])]
                }
                try talk.tell(packet.bytes)
            }
        }
    }
}
