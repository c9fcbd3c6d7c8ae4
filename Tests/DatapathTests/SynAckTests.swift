// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

@Suite(.needsKernel) struct `Endpoint's SYN-ACK` {
    @Test(arguments: Family.allCases, [1, 2, 7, 517, 1400])
    func `becomes our ACK with the hello`(family: Family, count: Int) throws {
        try TestBench.use { bench in
            var ring = bench.templateRing()
            var connecting = ConnectingSplice(family)
            try connecting.program(bench, &ring, hello: hello(count))
            let result = try bench.run(.flowsEthernet, on: connecting.synAck)
            expect(result, isRedirectOf: connecting.answer(hello(count)))
            #expect(bench.counts == [.helloSent: 1])
        }
    }

    @Test(arguments: Family.allCases, [false, true])
    func `becomes it without any option`(family: Family, hasTimestamps: Bool) throws {
        try TestBench.use { bench in
            var ring = bench.templateRing()
            var connecting = ConnectingSplice(
                family, hasTimestamps: hasTimestamps, hasSACK: false, hasScale: false)
            try connecting.program(bench, &ring, hello: hello(200))
            let result = try bench.run(.flowsEthernet, on: connecting.synAck)
            expect(result, isRedirectOf: connecting.answer(hello(200)))
        }
    }

    @Test func `begins the count of what each end sent, across the end of the numbers`() throws {
        try TestBench.use { bench in
            var ring = bench.templateRing()
            var connecting = ConnectingSplice(.v4)
            try connecting.program(bench, &ring, hello: hello(517))
            _ = try bench.run(.flowsEthernet, on: connecting.synAck)
            let up = try connecting.clientRow(bench)
            let down = try connecting.endpointRow(bench)
            #expect(up.firstSequence == 0xffff_ff01 && up.nextSequence == 0xffff_ff01 + 517)
            #expect(down.firstSequence == 0 && down.nextSequence == 0)
            #expect(up.lastAcknowledgement == connecting.splice.note.cookie &+ 1)
            #expect(down.lastAcknowledgement == connecting.splice.isn &+ 1)
        }
    }

    /// Nobody verified it before us, and what it says holds for the flow's whole life.
    @Test(arguments: Family.allCases, DamagedByte.allCases)
    func `is nothing when its checksum is wrong, and the next one counts`(
        family: Family, damaged: DamagedByte
    ) throws {
        try TestBench.use { bench in
            var ring = bench.templateRing()
            var connecting = ConnectingSplice(family)
            try connecting.program(bench, &ring, hello: hello(517))
            let packet = connecting.synAck
            let result = try bench.run(.flowsEthernet, on: damaged.damage(packet))
            #expect(result.verdict == TCVerdict.drop)
            #expect(bench.counts == [.dropMalformed: 1])
            #expect(try connecting.endpointRow(bench).state == .connecting)
            expect(
                try bench.run(.flowsEthernet, on: packet),
                isRedirectOf: connecting.answer(hello(517)))
            // Of an established flow as well: the answer would be as damaged.
            let again = try bench.run(.flowsEthernet, on: damaged.damage(packet))
            #expect(again.verdict == TCVerdict.drop)
            #expect(bench.counts == [.helloSent: 1, .dropMalformed: 2])
        }
    }

    @Test(arguments: Family.allCases)
    func `completes both rows and is told`(family: Family) throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(family)
            try connecting.program(bench)
            _ = try bench.run(.flowsEthernet, on: connecting.synAck)
            let note = connecting.splice.note
            let up = try connecting.clientRow(bench)
            let down = try connecting.endpointRow(bench)
            #expect(up.state == .established && down.state == .established)
            #expect(up.sequenceDelta == connecting.splice.isn &- note.clientISN)
            #expect(down.acknowledgementDelta == 0 &- up.sequenceDelta)
            #expect(down.sequenceDelta == note.cookie &- connecting.endpointISN)
            #expect(up.acknowledgementDelta == 0 &- down.sequenceDelta)
            #expect(
                up.timestampValueDelta
                    == connecting.splice.synTimestamp &- connecting.splice.clientTimestamp)
            #expect(down.timestampEchoDelta == 0 &- up.timestampValueDelta)
            #expect(down.timestampValueDelta == note.timestamp &- connecting.endpointTimestamp)
            #expect(up.timestampEchoDelta == 0 &- down.timestampValueDelta)
            #expect(up.windowShift == 0 && down.windowShift == 0)
            #expect(up.endpointScale == 7 && down.endpointScale == 7)
            let flows = bench.records().flows
            #expect(flows.map(\.kind) == [.established])
            #expect(flows.first?.client == family.client)
            #expect(flows.first?.upstream == family.upstream)
            #expect(flows.first?.createdNanoseconds == connecting.splice.createdNanoseconds)
        }
    }

    /// As another version's programs leave it, until both rows are merged.
    @Test(arguments: Family.allCases)
    func `is left alone while the client's row stands already`(family: Family) throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(family)
            try connecting.program(bench)
            var up = try connecting.clientRow(bench)
            up.state = .established
            up.timestampEchoDelta = 4711
            try bench.datapath.set(up, of: family.client)
            let result = try bench.run(.flowsEthernet, on: connecting.synAck)
            #expect(result.verdict == TCVerdict.drop)
            #expect(try connecting.clientRow(bench).timestampEchoDelta == 4711)
            #expect(try connecting.endpointRow(bench).state == .connecting)
        }
    }

    @Test(arguments: Family.allCases)
    func `makes packets of both directions translate`(family: Family) throws {
        try TestBench.use { bench in
            var ring = bench.templateRing()
            var connecting = ConnectingSplice(family)
            try connecting.program(bench, &ring, hello: hello(300))
            _ = try bench.run(.flowsEthernet, on: connecting.synAck)
            let note = connecting.splice.note
            let serverHello = connecting.fromEndpoint([.ack, .psh]) {
                $0.sequence = connecting.endpointISN &+ 1
                $0.acknowledgement = connecting.splice.isn &+ 301
                $0.options = [
                    .nop, .nop,
                    .timestamps(connecting.endpointTimestamp &+ 5, connecting.splice.synTimestamp),
                ]
                $0.payload = [22, 3, 3]
            }
            var seen = TestPacket(family.client.reversed)
            seen.timeToLive = 56
            seen.flags = [.ack, .psh]
            seen.window = 65160
            seen.sequence = note.cookie &+ 1
            seen.acknowledgement = note.clientISN &+ 301
            seen.options = [
                .nop, .nop, .timestamps(note.timestamp &+ 5, connecting.splice.clientTimestamp),
            ]
            seen.payload = [22, 3, 3]
            expect(try bench.run(.flowsEthernet, on: serverHello), isRedirectOf: seen)
        }
    }

    @Test(arguments: Family.allCases)
    func `brings the hello again when it comes again`(family: Family) throws {
        try TestBench.use { bench in
            var ring = bench.templateRing()
            var connecting = ConnectingSplice(family)
            try connecting.program(bench, &ring, hello: hello(300))
            for _ in 0..<3 {
                let result = try bench.run(.flowsEthernet, on: connecting.synAck)
                expect(result, isRedirectOf: connecting.answer(hello(300)))
            }
            #expect(bench.records().flows.map(\.kind) == [.established])
        }
    }

    @Test(arguments: Family.allCases)
    func `becomes a plain ACK when there is no hello, or it was overwritten`(family: Family) throws
    {
        try TestBench.use { bench in
            var ring = bench.templateRing()
            for isOverwritten in [false, true] {
                var connecting = ConnectingSplice(family)
                if isOverwritten {
                    try connecting.program(bench, &ring, hello: hello(300))
                    connecting.splice.template.stamp &-= 2
                }
                try connecting.program(bench)
                let result = try bench.run(.flowsEthernet, on: connecting.synAck)
                expect(result, isRedirectOf: connecting.answer([]))
            }
            #expect(bench.counts == [.helloLost: 1, .helloSent: 1])
        }
    }

    @Test(arguments: Family.allCases)
    func `may be padded by the link`(family: Family) throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(family)
            try connecting.program(bench)
            let padded = connecting.synAck.bytes + [UInt8](repeating: 0xcc, count: 40)
            let result = try bench.run(.flowsEthernet, on: padded)
            expect(result, isRedirectOf: connecting.answer([]))
        }
    }

    @Test(arguments: Family.allCases)
    func `may come by a device without a link header`(family: Family) throws {
        try TestBench.use { bench in
            var ring = bench.templateRing()
            var connecting = ConnectingSplice(family)
            try connecting.program(bench, &ring, hello: hello(300))
            var bare = connecting.synAck
            bare.link = nil
            var answer = connecting.answer(hello(300))
            answer.link = nil
            let result = try bench.run(.flowsRaw, on: bare.bytes)
            #expect(result.verdict == TCVerdict.redirect)
            let rest = Array(result.packet.dropFirst(14))
            #expect(
                rest == answer.bytes,
                "\(SideBySide(expected: answer.bytes, actual: rest, hasLink: false))")
        }
    }
}
