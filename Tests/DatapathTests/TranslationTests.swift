// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Testing
import WireTypes

@Suite(.needsKernel) struct `Translation of a flow` {
    @Test(arguments: Family.allCases)
    func `changes addresses, ports, sequence and acknowledgement of both directions`(
        family: Family
    ) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            let up = splice.fromClient([.ack, .psh]) { $0.payload = [1, 2, 3] }
            let down = splice.fromEndpoint { $0.payload = Array(0...99) }
            expect(
                try bench.run(.flowsEthernet, on: up),
                isRedirectOf: up.translated(by: splice.upstream))
            expect(
                try bench.run(.flowsEthernet, on: down),
                isRedirectOf: down.translated(by: splice.downstream))
            #expect(bench.counts == [.translated: 2])
        }
    }

    @Test(arguments: Family.allCases, [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] as [UInt32])
    func `wraps numbers at 2³²`(family: Family, delta: UInt32) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family, sequenceDelta: delta, answerDelta: ~delta)
            try splice.program(bench)
            for number: UInt32 in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff] {
                let packet = splice.fromClient {
                    $0.sequence = number
                    $0.acknowledgement = ~number
                    $0.options = [
                        .nop, .nop, .timestamps(number, number),
                        .sack([.init(number, number &+ 1)]),
                    ]
                    $0.payload = [UInt8](repeating: 0xff, count: 7)
                }
                expect(
                    try bench.run(.flowsEthernet, on: packet),
                    isRedirectOf: packet.translated(by: splice.upstream))
            }
        }
    }

    @Test(arguments: Family.allCases)
    func `leaves the acknowledgement field of a packet without ACK`(family: Family) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            let packet = splice.fromClient([.rst]) { $0.acknowledgement = 77 }
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, isRedirectOf: packet.translated(by: splice.upstream))
        }
    }

    @Test(arguments: Family.allCases)
    func `is what a random packet's model says, whatever its length`(family: Family) throws {
        try TestBench.use { bench in
            var random = SystemRandomNumberGenerator()
            for length in 0..<300 {
                var splice = EstablishedSplice(family)
                splice.upstream.sequenceDelta = random.next()
                splice.upstream.acknowledgementDelta = random.next()
                splice.upstream.timestampValueDelta = random.next()
                try splice.program(bench)
                let packet = splice.fromClient {
                    $0.sequence = random.next()
                    $0.acknowledgement = random.next()
                    $0.options = [.nop, .nop, .timestamps(random.next(), random.next())]
                    $0.payload = (0..<length).map { _ in random.next() }
                }
                expect(
                    try bench.run(.flowsEthernet, on: packet),
                    isRedirectOf: packet.translated(by: splice.upstream))
            }
        }
    }

    @Test(arguments: Family.allCases)
    func `takes one from TTL and hop limit`(family: Family) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            for timeToLive: UInt8 in [2, 3, 64, 128, 255] {
                let packet = splice.fromClient { $0.timeToLive = timeToLive }
                let result = try bench.run(.flowsEthernet, on: packet)
                expect(result, isRedirectOf: packet.translated(by: splice.upstream))
            }
        }
    }

    @Test(arguments: Family.allCases)
    func `drops what no route leads to, unchanged and counted`(family: Family) throws {
        try TestBench.use { bench in
            let row = FlowRow(rewrite: family.unreachable, state: .established, isUpstream: true)
            try bench.datapath.set(row, of: family.client)
            let packet = TestPacket(family.client).bytes
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, leaves: packet, TCVerdict.drop)
            #expect(bench.counts == [.dropNoRoute: 1])
        }
    }

    @Test(arguments: Family.allCases)
    func `passes packets of other tuples unchanged`(family: Family) throws {
        try TestBench.use { bench in
            try EstablishedSplice(family).program(bench)
            let near = FlowTuple(
                source: TransportAddress(family.client.source.address, 50001),
                destination: family.client.destination)
            for tuple in [family.client.reversed, family.upstream, near] {
                let packet = TestPacket(tuple).bytes
                expect(
                    try bench.run(.flowsEthernet, on: packet), leaves: packet, TCVerdict.pass)
            }
            #expect(bench.counts == [:])
        }
    }
}
