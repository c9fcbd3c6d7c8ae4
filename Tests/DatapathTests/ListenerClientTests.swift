// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Glibc
import KernelBPF
import Testing
import WireTypes

@Suite(.needsKernel) struct `Client of a listener` {
    @Test(arguments: HandshakeClient.offers)
    func `completes the handshake by an ACK and is heard with its data`(client: HandshakeClient)
        throws
    {
        try TestBench.use { bench in
            try bench.listen(client.family)
            let note = try client.connect(bench)
            let ack = client.packet([.ack], note)
            let silent = try bench.run(.handshakeEthernet, on: ack)
            expect(silent, leaves: ack.bytes, TCVerdict.drop)
            #expect(bench.count(.handshakeAck) == 1)
            #expect(bench.datapath.silentClients(since: .max).map(\.client) == [ack.tuple])
            let data = client.packet([.ack, .psh], note, hello(517))
            let result = try bench.run(.handshakeEthernet, on: data)
            expect(result, leaves: data.bytes, TCVerdict.drop)
            let heard = try #require(bench.records().hellos.first)
            #expect(heard.bytes == hello(517))
            #expect(heard.record.tuple == client.family.client)
            #expect(heard.record.note == note)
            #expect(heard.record.sequence == client.sequence &+ 1)
            #expect(heard.record.timestamp == (client.hasTimestamps ? client.timestamp &+ 3 : 0))
            #expect(heard.record.window == 501)
            #expect(heard.record.createdNanoseconds == 0)
            #expect(bench.count(.helloRecorded) == 1)
            #expect(bench.datapath.silentClients(since: .max).isEmpty)
        }
    }

    @Test(arguments: [1, 2, 1023, 1024, 1025, 2000, 3000])
    func `is heard byte for byte, whatever the length`(count: Int) throws {
        try TestBench.use { bench in
            try bench.listen(.v6)
            let client = HandshakeClient(.v6)
            let note = try client.connect(bench)
            _ = try bench.run(.handshakeEthernet, on: client.packet([.ack], note, hello(count)))
            #expect(bench.records().hellos.map(\.bytes) == [hello(count)])
        }
    }

    @Test(arguments: Family.allCases)
    func `is known to be damaged when one bit of its segment flipped`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            let whole = client.packet([.ack], note, hello(517)).bytes
            _ = try bench.run(.handshakeEthernet, on: whole)
            // A bit of the last byte, and one of the window in the header.
            for position in [whole.count - 1, whole.count - 517 - 17] {
                var damaged = whole
                damaged[position] ^= 0x10
                _ = try bench.run(.handshakeEthernet, on: damaged)
            }
            #expect(bench.records().hellos.map(\.record.isDamaged) == [false, true, true])
        }
    }

    /// Too large for a test run, so sent through the interface.
    @Test(arguments: Family.allCases, [4096, 4097, 8192, 9000, 30000])
    func `is heard in chunks of 4 KiB when it sends super-packets`(family: Family, count: Int)
        throws
    {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            let link = try bench.datapath.attachHandshake(to: bench.interface)
            let far = try PacketSocket("far")
            try far.send(client.packet([.ack, .psh], note, hello(count)).bytes)
            let hellos = bench.records().hellos
            link.detach()
            #expect(hellos.map(\.bytes.count).allSatisfy { $0 <= 4096 })
            #expect(hellos.count == (count + 4095) / 4096)
            #expect(Array(hellos.map(\.bytes).joined()) == hello(count))
            for (index, heard) in hellos.enumerated() {
                let start = client.sequence &+ 1 &+ UInt32(index * 4096)
                #expect(heard.record.sequence == start)
            }
        }
    }

    @Test func `is heard with urgent data and a FIN marked`() throws {
        try TestBench.use { bench in
            try bench.listen(.v4)
            let client = HandshakeClient(.v4)
            let note = try client.connect(bench)
            let packet = client.packet([.ack, .urg, .fin], note, [1])
            _ = try bench.run(.handshakeEthernet, on: packet)
            let heard = try #require(bench.records().hellos.first)
            #expect(heard.record.isUrgent && heard.record.isFinal)
        }
    }

    @Test func `is dropped and counted when the worker's ring is full`() throws {
        try TestBench.use { bench in
            try bench.listen(.v4)
            let client = HandshakeClient(.v4)
            let note = try client.connect(bench)
            let data = client.packet([.ack], note, hello(3000))
            while bench.count(.dropRingFull) == 0 {
                let result = try bench.run(.handshakeEthernet, on: data)
                try #require(result.verdict == TCVerdict.drop)
            }
            #expect(bench.count(.helloRecorded) > 200)
        }
    }

    @Test(arguments: Family.allCases)
    func `is reset when it closes before it said a word`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            let result = try bench.run(
                .handshakeEthernet, on: client.packet([.fin, .ack], note))
            var reset = TestPacket(family.client.reversed)
            reset.flags = [.rst]
            reset.sequence = note.cookie &+ 1
            reset.window = 0
            expect(result, isRedirectOf: reset)
            #expect(bench.datapath.note(of: family.client) == nil)
            #expect(bench.count(.resetEarlyFin) == 1)
        }
    }

    @Test(arguments: Family.allCases)
    func `is told as abandoned when it resets`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            let packet = client.packet([.rst, .ack], note)
            let result = try bench.run(.handshakeEthernet, on: packet)
            expect(result, leaves: packet.bytes, TCVerdict.drop)
            #expect(bench.datapath.note(of: family.client) == nil)
            #expect(bench.records().flows.map(\.kind) == [.abandoned])
        }
    }

    @Test(
        arguments: [[.rst], [.rst, .ack], [.fin], [.psh], []] as [TCPFlags])
    func `passes to the stack when it is of no handshake`(flags: TCPFlags) throws {
        try TestBench.use { bench in
            try bench.listen(.v4)
            var packet = TestPacket(Family.v4.client)
            packet.flags = flags
            packet.sequence = 1000
            packet.acknowledgement = 2000
            let result = try bench.run(.handshakeEthernet, on: packet)
            expect(result, leaves: packet.bytes, TCVerdict.pass)
            #expect(bench.counts == [.passStray: 1])
        }
    }

    @Test(arguments: [[.ack], [.ack, .psh], [.fin, .ack], [.syn, .ack]] as [TCPFlags])
    func `is told to the daemon when it is of no handshake`(flags: TCPFlags) throws {
        try TestBench.use { bench in
            try bench.listen(.v4)
            var packet = TestPacket(Family.v4.client)
            packet.flags = flags
            packet.sequence = 1000
            packet.acknowledgement = 2000
            let result = try bench.run(.handshakeEthernet, on: packet)
            expect(result, leaves: packet.bytes, TCVerdict.drop)
            #expect(bench.counts == [.dropStray: 1])
            let records = bench.records().flows
            #expect(records.map(\.kind) == [.stray])
            #expect(records.first?.client == Family.v4.client)
            #expect(records.first?.acknowledgement == 2000)
        }
    }

    @Test func `passes to the stack when there are too many of no handshake`() throws {
        try TestBench.use { bench in
            try bench.listen(.v4)
            for _ in 1...3000 {
                _ = try bench.run(.handshakeEthernet, on: TestPacket(Family.v4.client))
            }
            #expect(bench.count(.passStray) > 0)
            #expect(bench.count(.passStray) + bench.count(.dropStray) == 3000)
            usleep(100_000)
        }
    }

    @Test(arguments: Family.allCases)
    func `passes to the stack while a relay's socket owns it`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            try bench.datapath.adopt(family.client, now: 4)
            for flags in [[.syn], [.ack], [.rst], [.fin, .ack]] as [TCPFlags] {
                var packet = TestPacket(family.client)
                packet.flags = flags
                let result = try bench.run(.handshakeEthernet, on: packet)
                expect(result, leaves: packet.bytes, TCVerdict.pass)
            }
            #expect(bench.counts == [.passAdopted: 4])
        }
    }

    @Test(arguments: Family.allCases)
    func `begins anew by a SYN when the relay's socket is closed`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            try bench.datapath.adopt(family.client, now: 4)
            bench.datapath.closeAdopted(family.client, now: 5)
            let late = TestPacket(family.client)
            let result = try bench.run(.handshakeEthernet, on: late)
            expect(result, leaves: late.bytes, TCVerdict.pass)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            let data = client.packet([.ack], note, [1])
            _ = try bench.run(.handshakeEthernet, on: data)
            #expect(bench.records().hellos.count == 1)
        }
    }

    private func client(_ number: Int) -> FlowTuple {
        let address = IPAddress(v4: 0x0a00_0000 + UInt32(number))
        return FlowTuple(
            source: TransportAddress(address, 4000), destination: Family.v4.client.destination)
    }

    /// A stranger can have us adopt as many as he likes, one after the other.
    @Test func `finds room while sockets of others are closed, and never in place of an open one`()
        throws
    {
        let limit = 65536
        try TestBench.use { bench in
            let second: UInt64 = 1_000_000_000
            for number in 0..<limit { try bench.datapath.adopt(client(number), now: second) }
            #expect(throws: BPFError.self) {
                try bench.datapath.adopt(client(limit), now: 20 * second)
            }
            bench.datapath.closeAdopted(client(0), now: 20 * second)
            // Found to be full a moment ago.
            #expect(throws: BPFError.self) {
                try bench.datapath.adopt(client(limit), now: 20 * second + second / 20)
            }
            try bench.datapath.adopt(client(limit), now: 20 * second + second / 10)
            // One that nobody adopted takes no room.
            bench.datapath.closeAdopted(client(limit + 1), now: 21 * second)
            #expect(throws: BPFError.self) {
                try bench.datapath.adopt(client(limit + 1), now: 21 * second)
            }
        }
    }

    /// Their kernel sockets may have much to send still.
    @Test func `takes the room of those that were closed long ago`() throws {
        let (limit, second) = (65536, 1_000_000_000 as UInt64)
        try TestBench.use { bench in
            for number in 0..<limit { try bench.datapath.adopt(client(number), now: second) }
            for number in 0..<10_000 {
                bench.datapath.closeAdopted(client(number), now: 100 * second)
                bench.datapath.closeAdopted(client(number + 10_000), now: 130 * second)
            }
            bench.datapath.closeAdopted(client(20_000), now: 161 * second)
            func closed() -> [Bool] {
                [0, 10_000, 20_000].map { bench.datapath.isAdopted(client($0)) }
            }
            try bench.datapath.adopt(client(limit), now: 162 * second)
            #expect(closed() == [false, true, true])
            for number in 1..<10_000 {
                try bench.datapath.adopt(client(limit + number), now: 162 * second)
            }
            // Half a minute is enough where nobody has been closed for longer.
            try bench.datapath.adopt(client(limit + 10_000), now: 162 * second)
            #expect(closed() == [false, false, true])
        }
    }
}
