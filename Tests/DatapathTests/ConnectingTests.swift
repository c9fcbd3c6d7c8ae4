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
            #expect(flows.first?.createdNanoseconds == 4711)
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
            #expect(bench.counts == [.helloLost: 2])
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

@Suite(.needsKernel) struct `Hello of several segments` {
    /// Sizes of hello and segment; the last ones fill all templates.
    private static let sizes = [(1401, 1400), (1500, 501), (2800, 1400), (3001, 999), (16000, 1000)]

    @Test(arguments: Family.allCases, sizes)
    func `leaves as clones towards the endpoint, the last as the packet itself`(
        family: Family, size: (hello: Int, segment: Int)
    ) throws {
        try TestBench.use { bench in
            let watch = try PacketSocket("far")
            var ring = bench.templateRing()
            var connecting = ConnectingSplice(family)
            let bytes = hello(size.hello)
            try connecting.program(bench, &ring, hello: bytes, segmentSize: size.segment)
            let result = try bench.run(.flowsEthernet, on: connecting.synAck)
            let starts = Array(stride(from: 0, to: bytes.count, by: size.segment))
            let segments = starts.map { start in
                let end = min(start + size.segment, bytes.count)
                return connecting.answer(
                    Array(bytes[start..<end]), at: UInt32(start), isLast: end == bytes.count
                ).facingBack
            }
            let frames = watch.received().filter { $0[12] == (family == .v4 ? 0x08 : 0x86) }
                .filter { $0.count > 100 }
            #expect(frames.count == segments.count - 1)
            for (frame, segment) in zip(frames, segments) { expect(frame, is: segment.bytes) }
            expect(result, isRedirectOf: try #require(segments.last))
            #expect(bench.counts == [.helloSent: 1])
        }
    }

    @Test func `ends where a segment was overwritten`() throws {
        try TestBench.use { bench in
            let watch = try PacketSocket("far")
            var ring = bench.templateRing()
            var connecting = ConnectingSplice(.v4)
            let bytes = hello(1000)
            try connecting.program(bench, &ring, hello: bytes, segmentSize: 400)
            connecting.splice.template.segments = 5
            try connecting.program(bench)
            let result = try bench.run(.flowsEthernet, on: connecting.synAck)
            let last = connecting.answer(Array(bytes[800...]), at: 800, isLast: false).facingBack
            expect(result, isRedirectOf: last)
            #expect(watch.received().filter { $0.count > 100 }.count == 2)
        }
    }

    @Test(arguments: [1, 400, 2016])
    func `is cut at what the templates hold`(size: Int) throws {
        try TestBench.use { bench in
            var ring = bench.templateRing()
            let reference = ring.store(hello(40000).span, segmentSize: size)
            #expect(reference.segments == 16)
            #expect(reference.length == UInt32(16 * size))
        }
    }
}
