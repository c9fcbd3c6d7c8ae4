// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Foundation
import KernelBPF
import Testing
import WireTypes

/// Says how long a packet takes; never fails on time.
@Suite(.needsKernel) struct `Time of one packet` {
    /// A flow that translates to itself, so that each run finds what the run before left, until the
    /// TTL is used up.
    @Test(arguments: Family.allCases)
    func `is printed for a data packet with timestamps`(family: Family) throws {
        try TestBench.use { bench in
            var packet = TestPacket(family.client)
            packet.timeToLive = 255
            packet.options = [.nop, .nop, .timestamps(1, 2)]
            packet.payload = [UInt8](repeating: 1, count: 1400)
            var row = FlowRow(rewrite: family.client, state: .established, isUpstream: true)
            row.sequenceDelta = 1
            row.acknowledgementDelta = 2
            row.timestampValueDelta = 3
            row.timestampEchoDelta = 4
            try bench.datapath.set(row, of: family.client)
            let runs = 400
            let repetitions: UInt64 = 250
            let bytes = packet.bytes
            var times: [UInt32] = []
            for _ in 0..<runs {
                let result = try bench.run(.flowsEthernet, on: bytes) {
                    $0.repetitions = UInt32(repetitions)
                }
                times.append(result.nanoseconds)
            }
            #expect(bench.counts == [.translated: UInt64(runs) * repetitions])
            times.sort()
            print("\(family): \(times[times.count / 2]) ns a packet (median of \(runs) × 250)")
        }
    }

    /// Ten thousand flows take turns, so that little of them is in the nearest caches. Each run is
    /// timed by itself, clock readings included: compare these figures with each other alone.
    @Test(
        arguments: ProcessInfo.processInfo.environment["SLUICE_LARGE"] == nil
            ? [1000] : [1000, 1_000_000])
    func `is printed for many flows`(count: Int) throws {
        try TestBench.use(rows: count + count / 4 + 4096) { bench in
            let listener = Family.v4.client.destination
            let tuples = (0..<count).map { number in
                FlowTuple(
                    source: TransportAddress(
                        IPAddress(v4: 0x0800_0000 | UInt32(number >> 14)),
                        UInt16(number & 0x3fff) + 1024),
                    destination: listener)
            }
            for tuple in tuples {
                try bench.datapath.set(
                    FlowRow(rewrite: tuple, state: .established, isUpstream: true), of: tuple)
            }
            let stride = max(1, count / 10_000)
            let turns = (0..<min(count, 10_000)).map {
                tuples[($0 * 7919 % min(count, 10_000)) * stride]
            }
            var packet = TestPacket(Family.v4.client)
            packet.options = [.nop, .nop, .timestamps(1, 2)]
            packet.payload = [UInt8](repeating: 1, count: 1400)
            let packets = turns.map { tuple in
                packet.tuple = tuple
                return packet.bytes
            }
            var times: [UInt32] = []
            for round in 0..<6 {
                for bytes in packets {
                    let result = try bench.run(.flowsEthernet, on: bytes)
                    // The first asks for the way out.
                    if round > 0 { times.append(result.nanoseconds) }
                }
            }
            #expect(bench.count(.translated) == UInt64(6 * packets.count))
            times.sort()
            print(
                "\(count) flows: \(times[times.count / 2]) ns a packet (median of \(times.count))")
        }
    }

    /// Each run is of a packet by itself, clock readings included; the first line is what those take.
    @Test(arguments: Family.allCases)
    func `is printed for each step of a handshake`(family: Family) throws {
        try TestBench.use { bench in
            var ring = TemplateRing(bench.datapath, worker: 0, seed: 1)
            var times: [String: [UInt32]] = [:]
            func time(_ step: String, _ program: DatapathProgram, _ packet: TestPacket) throws {
                times[step, default: []].append(try bench.run(program, on: packet).nanoseconds)
            }
            let client = HandshakeClient(family)
            var splice = ConnectingSplice(family)
            for _ in 0..<500 {
                bench.datapath.clear()
                try bench.listen(family)
                var other = client.syn
                other.tuple = FlowTuple(
                    source: other.tuple.source,
                    destination: TransportAddress(other.tuple.destination.address, 1))
                try time("0 nothing of ours", .handshakeEthernet, other)
                try time("1 SYN", .handshakeEthernet, client.syn)
                let note = try #require(bench.datapath.note(of: family.client))
                try time("2 ACK", .handshakeEthernet, client.packet([.ack], note))
                let data = client.packet([.ack, .psh], note, hello(300))
                try time("3 hello", .handshakeEthernet, data)
                try splice.program(bench, &ring, hello: hello(300))
                try time("4 SYN-ACK", .flowsEthernet, splice.synAck)
                let answer = splice.fromEndpoint([.ack, .psh]) {
                    $0.sequence = splice.endpointISN &+ 1
                    $0.options = [.nop, .nop, .timestamps(1, 2)]
                    $0.payload = hello(1000)
                }
                try time("5 first answer", .flowsEthernet, answer)
                try time("6 second answer", .flowsEthernet, answer)
                _ = bench.records()
            }
            for (step, values) in times.sorted(by: { $0.key < $1.key }) {
                print("\(family): \(step): \(values.sorted()[values.count / 2]) ns")
            }
        }
    }
}
