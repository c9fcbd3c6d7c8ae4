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
                #expect(after.state == before.state)
                #expect(after.createdNanoseconds == before.createdNanoseconds)
            }
            _ = connecting
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
