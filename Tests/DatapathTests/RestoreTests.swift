// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

@Suite(.needsKernel) struct `A flow of which the kernel forgot a direction` {
    /// A splice as the datapath completes it, with scales that differ and data of both ends.
    private func established(_ bench: TestBench, _ family: Family, scaled: Bool) throws
        -> ConnectingSplice
    {
        var connecting = ConnectingSplice(family)
        if !scaled {
            connecting.options.removeAll { if case .windowScale = $0 { true } else { false } }
        }
        try connecting.program(bench)
        let answer = try bench.run(.flowsEthernet, on: connecting.synAck)
        #expect(answer.verdict == TCVerdict.redirect)
        return connecting
    }

    @Test(arguments: Family.allCases, [true, false])
    func `translates as before when the other direction restored it`(
        family: Family, scaled: Bool
    ) throws {
        try TestBench.use { bench in
            let connecting = try established(bench, family, scaled: scaled)
            for key in [family.client, family.upstream.reversed] {
                let other = key == family.client ? family.upstream.reversed : family.client
                let before = try #require(bench.datapath.row(of: key))
                bench.datapath.removeRow(of: key)
                let left = try #require(try bench.datapath.restorePeer(of: other))
                #expect(left.client == family.client && left.upstream == family.upstream)
                let after = try #require(bench.datapath.row(of: key))
                #expect(after.rewrite == before.rewrite)
                #expect(after.sequenceDelta == before.sequenceDelta)
                #expect(after.acknowledgementDelta == before.acknowledgementDelta)
                #expect(after.timestampValueDelta == before.timestampValueDelta)
                #expect(after.timestampEchoDelta == before.timestampEchoDelta)
                #expect(after.windowShift == before.windowShift)
                #expect(after.flags == before.flags)
                #expect(after.endpointScale == before.endpointScale)
                #expect(after.firstSequence == before.firstSequence)
                #expect(after.state == before.state)
                #expect(after.createdNanoseconds == before.createdNanoseconds)
            }
            _ = connecting
        }
    }

    /// What the daemon asks of one direction must not depend on who wrote its row. Twice: a row that
    /// was restored must be able to restore the other one.
    @Test(arguments: Family.allCases, [0, 30])
    func `has the first numbers of both ends, with bytes of ours and without`(
        family: Family, preface: Int
    ) throws {
        try TestBench.use { bench in
            var connecting = ConnectingSplice(family)
            connecting.splice.prefaceLength = UInt32(preface)
            connecting.splice.ownedLength = preface > 0 ? 52 : 0
            try connecting.program(bench)
            _ = try bench.run(.flowsEthernet, on: connecting.synAck)
            let (client, upstream) = (family.client, family.upstream)
            let up = try #require(bench.datapath.upstreamRow(of: client))
            let down = try #require(bench.datapath.downstreamRow(of: upstream))
            for _ in 1...2 {
                bench.datapath.removeRow(of: client)
                _ = try bench.datapath.restorePeer(of: upstream.reversed)
                let again = try #require(bench.datapath.upstreamRow(of: client))
                expectSameNumbers(again, up)
                #expect(again.firstAcknowledgement == up.firstAcknowledgement)
                bench.datapath.removeRow(of: upstream.reversed)
                _ = try bench.datapath.restorePeer(of: client)
                let back = try #require(bench.datapath.downstreamRow(of: upstream))
                expectSameNumbers(back, down)
                #expect(back.firstTimestamp == down.firstTimestamp)
            }
        }
    }

    private func expectSameNumbers(
        _ row: SpliceRow, _ other: SpliceRow, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(row.clientISN == other.clientISN, sourceLocation: location)
        #expect(row.ownedEnd == other.ownedEnd, sourceLocation: location)
        #expect(row.helloEnd == other.helloEnd, sourceLocation: location)
        #expect(row.ownedLength == other.ownedLength, sourceLocation: location)
        #expect(row.prefaceLength == other.prefaceLength, sourceLocation: location)
        #expect(row.totals.bytes == 0, sourceLocation: location)
    }

    /// Else an RST would look like a stranger's.
    @Test(arguments: Family.allCases)
    func `counts as sent what was acknowledged, and believes an RST behind it`(
        family: Family
    ) throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(family)
            try connecting.program(bench)
            _ = try bench.run(.flowsEthernet, on: connecting.synAck)
            let count: UInt32 = 1_000_000
            var data = TestPacket(family.client)
            data.flags = [.ack]
            data.acknowledgement = connecting.splice.note.cookie &+ 1
            data.sequence = connecting.splice.note.clientISN &+ 1
            for _ in 0..<count / 1000 {
                data.payload = .init(repeating: 1, count: 1000)
                let sent = try bench.run(.flowsEthernet, on: data)
                #expect(sent.verdict == TCVerdict.redirect)
                data.sequence &+= 1000
            }
            let answer = connecting.fromEndpoint([.ack]) {
                $0.sequence &+= 1
                $0.acknowledgement = connecting.splice.isn &+ 1 &+ count
            }
            #expect(try bench.run(.flowsEthernet, on: answer).verdict == TCVerdict.redirect)
            bench.datapath.removeRow(of: family.client)
            _ = try bench.datapath.restorePeer(of: family.upstream.reversed)
            let row = try connecting.clientRow(bench)
            #expect(row.bytes == UInt64(count) && row.packets == 0)
            #expect(row.nextSequence == UInt64(row.firstSequence) + UInt64(count))
            data.payload = []
            data.flags = [.rst]
            _ = try bench.run(.flowsEthernet, on: data)
            #expect(try connecting.clientRow(bench).state == .reset)
        }
    }

    @Test func `is left alone when it is whole, over, or not known`() throws {
        try TestBench.use { bench in
            var splice = EstablishedSplice(.v4)
            #expect(try bench.datapath.restorePeer(of: splice.clientTuple) == nil)
            try splice.program(bench)
            #expect(try bench.datapath.restorePeer(of: splice.clientTuple) == nil)
            for state in [FlowState.connecting, .closed, .reset] {
                splice.upstream.state = state
                try splice.program(bench)
                bench.datapath.removeRow(of: splice.endpointTuple)
                #expect(try bench.datapath.restorePeer(of: splice.clientTuple) == nil)
            }
        }
    }

    @Test(arguments: Family.allCases)
    func `is told by the direction that is left`(family: Family) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            bench.datapath.removeRow(of: splice.clientTuple)
            let packet = splice.fromEndpoint { $0.payload = [1] }
            expect(
                try bench.run(.flowsEthernet, on: packet),
                isRedirectOf: packet.translated(by: splice.downstream))
            let records = bench.records().flows
            #expect(records.map(\.kind) == [.orphaned])
            #expect(records.first?.client == family.client)
            #expect(records.first?.upstream == family.upstream)
        }
    }

    @Test func `is found by the tuple that is missing`() throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(.v4)
            try splice.program(bench)
            bench.datapath.removeRow(of: splice.clientTuple)
            let found = bench.datapath.keys(
                beside: [splice.clientTuple, splice.family.unreachable])
            #expect(found == [splice.clientTuple: splice.endpointTuple])
        }
    }
}
