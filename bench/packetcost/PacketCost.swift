// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Foundation
import KernelBPF
import WireTypes

/// Says how long the kernel takes to translate a packet with so many flows in the map.
///
/// Flows that take turns translate to each other in a ring, so that a test run of 250 packets, timed
/// as one, passes through 250 flows: no clock reading and no system call is in the figure. A thousand
/// that take turns tell what the size of the map costs; ten thousand rows are more than the nearest
/// caches hold, a hundred thousand more than the last holds.
@main struct PacketCost {
    /// What the TTL of one packet allows.
    static let packetsPerRun = 250
    /// More would not come round before the way out is asked for anew (134 ms).
    static let turnsLimit = 100_000

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, arguments[1] == "--flows", let count = Int(arguments[2]),
            1...16_000_000 ~= count
        else {
            FileHandle.standardError.write(Data("usage: packetcost --flows COUNT\n".utf8))
            exit(2)
        }
        let figures = try TestBench.use(rows: count + count / 4 + 4096) { bench in
            for number in 0..<count {
                try set(bench, tuple(number), leadingTo: tuple(number))
            }
            return try Set([1000, 10_000, turnsLimit].map { min(count, $0) }).sorted().map {
                turns in
                let times = try measure(bench, count: count, turns: turns).sorted()
                return """
                    "\(turns)": {"p10": \(times[times.count / 10]), "p50": \(times[times.count / 2]), \
                    "p90": \(times[times.count * 9 / 10])}
                    """
            }
        }
        print(
            """
            {"flows": \(count), "failed": 0, "ns_per_packet_by_turns": \
            {\(figures.joined(separator: ", "))}}
            """)
    }

    private static func tuple(_ number: Int) -> FlowTuple {
        FlowTuple(
            source: TransportAddress(
                IPAddress(v4: 0x0800_0000 | UInt32(number >> 14)), UInt16(number & 0x3fff) + 1024),
            destination: TransportAddress(IPAddress(v4: 0xc000_0201), 443))
    }

    private static func measure(_ bench: TestBench, count: Int, turns: Int) throws -> [UInt32] {
        // The factor is a prime that divides no number of turns, so that each is there once.
        let ring = (0..<turns).map { tuple($0 * 7919 % turns * (count / turns)) }
        for (index, tuple) in ring.enumerated() {
            try set(bench, tuple, leadingTo: ring[(index + 1) % turns])
        }
        let starts = stride(from: 0, to: turns, by: packetsPerRun).map { bytes(ring[$0]) }
        let rounds = max(10, 400 / starts.count)
        let before = bench.count(.translated)
        var times: [UInt32] = []
        for round in 0...rounds {
            for bytes in starts {
                let result = try bench.run(.flowsEthernet, on: bytes) {
                    $0.repetitions = UInt32(packetsPerRun)
                }
                // The first asks for the way out.
                if round > 0 { times.append(result.nanoseconds) }
            }
        }
        let packets = UInt64((rounds + 1) * starts.count * packetsPerRun)
        precondition(bench.count(.translated) - before == packets, "\(bench.counts)")
        return times
    }

    private static func set(_ bench: TestBench, _ tuple: FlowTuple, leadingTo next: FlowTuple)
        throws
    {
        var row = FlowRow(rewrite: next, state: .established, isUpstream: true)
        row.sequenceDelta = 1
        row.acknowledgementDelta = 2
        row.timestampValueDelta = 3
        row.timestampEchoDelta = 4
        try bench.datapath.set(row, of: tuple)
    }

    /// A full segment with timestamps.
    private static func bytes(_ tuple: FlowTuple) -> [UInt8] {
        var packet = TestPacket(tuple)
        packet.timeToLive = 255
        packet.options = [.nop, .nop, .timestamps(1, 2)]
        packet.payload = [UInt8](repeating: 1, count: 1400)
        return packet.bytes
    }
}
