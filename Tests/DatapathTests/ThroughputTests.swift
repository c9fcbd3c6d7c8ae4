// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
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
}
