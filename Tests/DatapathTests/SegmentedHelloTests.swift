// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

@Suite(.needsKernel) struct `Hello of several segments` {
    /// Sizes of hello and segment; the last ones fill all templates.
    private static let sizes = [
        (1401, 1400), (1500, 501), (2800, 1400), (3001, 999), (16000, 1000),
    ]

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
