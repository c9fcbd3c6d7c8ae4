// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

/// The second pass over the rows of another version: the kernel has the copy, on which our programs
/// work already, and `merge` brings what the old ones did after it was made.
@Suite(.needsKernel) struct `A row that two versions wrote to` {
    /// Nanoseconds of a tick, as rows have times.
    private let tick: UInt64 = 1 << 24

    private func splice(created: UInt64 = 7) -> EstablishedSplice {
        var splice = EstablishedSplice(.v4)
        splice.upstream.createdNanoseconds = created
        splice.downstream.createdNanoseconds = created
        splice.upstream.nextSequence = 1000
        splice.upstream.lastAcknowledgement = 0xffff_fff0
        splice.upstream.packets = 10
        splice.upstream.bytes = 100
        splice.upstream.lastSeenNanoseconds = 50 * tick
        return splice
    }

    @Test func `moves on to where the one that is ahead was`() throws {
        try TestBench.use { bench in
            let ours = splice()
            try ours.program(bench)
            var old = ours.upstream
            old.nextSequence = 1001
            // Across 2³².
            old.lastAcknowledgement = 5
            old.packets = 12
            old.bytes = 99
            old.lastSeenNanoseconds = 49 * tick
            try bench.datapath.merge(old, of: ours.clientTuple)
            let row = try ours.clientRow(bench)
            #expect(row.nextSequence == 1001)
            #expect(row.lastAcknowledgement == 5)
            #expect(row.packets == 12)
            #expect(row.bytes == 100)
            #expect(row.lastSeenNanoseconds == 50 * tick)
            #expect(row.state == .established)
            #expect(row.sequenceDelta == ours.upstream.sequenceDelta)
        }
    }

    @Test func `is the same when the merge is repeated, and never goes back`() throws {
        try TestBench.use { bench in
            let old = splice()
            var ours = old
            ours.upstream.nextSequence = 1 << 32 + 3
            ours.upstream.lastAcknowledgement = 3
            ours.upstream.packets = 20
            ours.upstream.state = .closing
            ours.upstream.flags.insert(.fin)
            try ours.program(bench)
            for _ in 1...2 { try bench.datapath.merge(old.upstream, of: old.clientTuple) }
            let row = try ours.clientRow(bench)
            #expect(row.nextSequence == 1 << 32 + 3)
            #expect(row.lastAcknowledgement == 3)
            #expect(row.packets == 20)
            #expect(row.state == .closing)
            #expect(row.flags == ours.upstream.flags)
        }
    }

    @Test func `is left alone when it is of another connection, or gone`() throws {
        try TestBench.use { bench in
            let ours = splice(created: 8)
            try ours.program(bench)
            var old = splice(created: 7).upstream
            old.state = .reset
            try bench.datapath.merge(old, of: ours.clientTuple)
            #expect(try ours.clientRow(bench).state == .established)
            bench.datapath.removeRow(of: ours.clientTuple)
            try bench.datapath.merge(old, of: ours.clientTuple)
            #expect(bench.datapath.row(of: ours.clientTuple) == nil)
        }
    }

    @Test func `is wholly the old one's when that completed the splice`() throws {
        try TestBench.use { bench in
            let old = splice()
            var ours = old
            ours.upstream.state = .connecting
            ours.upstream.acknowledgementDelta = 0
            ours.upstream.nextSequence = 0
            try ours.program(bench)
            try bench.datapath.merge(old.upstream, of: old.clientTuple)
            let row = try ours.clientRow(bench)
            #expect(row.state == .established)
            #expect(row.acknowledgementDelta == old.upstream.acknowledgementDelta)
            #expect(row.nextSequence == 1000)
        }
    }

    /// The old program saw the client's FIN, ours the endpoint's acknowledgement of it; and the other
    /// way round for the endpoint's.
    @Test func `is closed when the FINs and their acknowledgements were seen, by whomever`() throws
    {
        try TestBench.use { bench in
            var (old, ours) = (splice(), splice())
            old.upstream.state = .closing
            old.downstream.state = .closing
            old.upstream.flags.formUnion([.fin])
            old.downstream.flags.formUnion([.peerFIN])
            ours.downstream.lastAcknowledgement = old.upstream.sentEnd

            ours.upstream.state = .closing
            ours.downstream.state = .closing
            ours.downstream.flags.formUnion([.fin])
            ours.upstream.flags.formUnion([.peerFIN])
            old.upstream.lastAcknowledgement = ours.downstream.sentEnd
            try ours.program(bench)
            try bench.datapath.merge(old.upstream, of: old.clientTuple)
            #expect(try ours.clientRow(bench).state == .closed)
            try bench.datapath.merge(old.downstream, of: old.endpointTuple)
            for row in [try ours.clientRow(bench), try ours.endpointRow(bench)] {
                #expect(row.state == .closed)
                #expect(row.flags.isSuperset(of: [.fin, .peerFIN, .finAcknowledged]))
            }
        }
    }

    /// All of the other row is to come, and it must not look as if it had.
    @Test func `leaves the other direction alone while that waits for its endpoint`() throws {
        try TestBench.use { bench in
            var ours = splice()
            ours.downstream.state = .connecting
            // As good as any number.
            ours.downstream.lastAcknowledgement = ours.upstream.sentEnd
            var old = ours.upstream
            old.state = .closing
            old.flags.formUnion([.fin, .peerFIN, .finAcknowledged])
            try ours.program(bench)
            try bench.datapath.merge(old, of: ours.clientTuple)
            #expect(try ours.clientRow(bench).state == .closing)
            #expect(try ours.endpointRow(bench).state == .connecting)
            #expect(try ours.endpointRow(bench).flags == [])
            // Nor do the client's packets change that.
            for flags: TCPFlags in [[.fin, .ack], [.rst]] {
                _ = try bench.run(
                    .flowsEthernet,
                    on: ours.fromClient(flags) { $0.sequence = UInt32(ours.upstream.nextSequence) })
            }
            #expect(try ours.endpointRow(bench).state == .connecting)
        }
    }

    @Test(arguments: [true, false])
    func `waits for an acknowledgement that neither saw`(isClientsFirst: Bool) throws {
        try TestBench.use { bench in
            var ours = splice()
            ours.downstream.lastAcknowledgement = ours.upstream.sentEnd &- 10
            var old = ours
            try ours.program(bench)
            // The FIN was behind what ours saw, all of which is acknowledged: whichever row is merged
            // first, that is no acknowledgement of the FIN.
            old.upstream.nextSequence += 1
            old.downstream.lastAcknowledgement = ours.upstream.sentEnd
            old.upstream.state = .closing
            old.upstream.flags.formUnion([.fin])
            old.downstream.state = .closing
            old.downstream.flags.formUnion([.peerFIN])
            if isClientsFirst { try bench.datapath.merge(old.upstream, of: old.clientTuple) }
            try bench.datapath.merge(old.downstream, of: old.endpointTuple)
            try bench.datapath.merge(old.upstream, of: old.clientTuple)
            let row = try ours.endpointRow(bench)
            #expect(row.state == .closing && row.lastAcknowledgement == ours.upstream.sentEnd)
            #expect(!row.flags.contains(.finAcknowledged))
        }
    }
}
