// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

@Suite(.needsKernel) struct `Egress guard` {
    private func guardVerdict(
        _ bench: TestBench, _ packet: TestPacket, from interface: UInt32 = 0
    ) throws -> Int32 {
        let bytes = packet.bytes
        let result = try bench.run(.egressEthernet, on: bytes) { $0.ingressInterface = interface }
        #expect(result.packet == bytes)
        return result.verdict
    }

    /// What leaves towards client and endpoint of the splice.
    private func ownPackets(_ family: Family, _ flags: TCPFlags) -> [TestPacket] {
        [family.client.reversed, family.upstream].map { tuple in
            var packet = TestPacket(tuple)
            packet.flags = flags
            return packet
        }
    }

    @Test(
        arguments: Family.allCases,
        [[.rst], [.rst, .ack], [.ack], [.syn], [.syn, .ack], []] as [TCPFlags])
    func `drops what the host itself says for the tuple of a flow`(family: Family, flags: TCPFlags)
        throws
    {
        try TestBench.use { bench in
            try EstablishedSplice(family).program(bench)
            for packet in ownPackets(family, flags) {
                #expect(try guardVerdict(bench, packet) == TCVerdict.drop)
            }
            #expect(bench.counts == [.dropLocal: 2])
        }
    }

    @Test(arguments: Family.allCases)
    func `passes what the daemon sends`(family: Family) throws {
        try TestBench.use { bench in
            try EstablishedSplice(family).program(bench)
            for flags in [[.syn], [.ack], [.rst]] as [TCPFlags] {
                for packet in ownPackets(family, flags) {
                    let result = try bench.run(.egressEthernet, on: packet.bytes) {
                        $0.ingressInterface = 0
                        $0.priority = KernelDatapath.socketPriority
                    }
                    #expect(result.verdict == TCVerdict.pass)
                }
            }
            #expect(bench.counts == [:])
        }
    }

    private func sendOwn(_ bench: TestBench, _ packet: TestPacket) throws {
        let result = try bench.run(.egressEthernet, on: packet.bytes) {
            $0.ingressInterface = 0
            $0.priority = KernelDatapath.socketPriority
        }
        expect(result, leaves: packet.bytes, TCVerdict.pass)
    }

    @Test(arguments: Family.allCases, [0, 1])
    func `takes a reset of ours for the end of the flow`(family: Family, side: Int) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            try sendOwn(bench, ownPackets(family, [.rst])[side])
            try sendOwn(bench, ownPackets(family, [.rst])[1 - side])
            #expect(try splice.clientRow(bench).state == .reset)
            #expect(try splice.endpointRow(bench).state == .reset)
            let told = bench.records().flows
            #expect(told.map(\.kind) == [.reset])
            #expect(told.first?.isOurs == true)
            #expect(told.first?.client == family.client)
            #expect(told.first?.upstream == family.upstream)
        }
    }

    @Test(arguments: [FlowState.connecting, .closed])
    func `leaves flows alone that have no ends to reset`(state: FlowState) throws {
        try TestBench.use { bench in
            var splice = EstablishedSplice(.v4)
            splice.upstream.state = state
            splice.downstream.state = state
            try splice.program(bench)
            for packet in ownPackets(.v4, [.rst]) { try sendOwn(bench, packet) }
            #expect(try splice.clientRow(bench).state == state)
            #expect(bench.records().flows.isEmpty)
        }
    }

    @Test(arguments: Family.allCases)
    func `passes what was redirected`(family: Family) throws {
        try TestBench.use { bench in
            try EstablishedSplice(family).program(bench)
            for packet in ownPackets(family, [.ack]) {
                let verdict = try guardVerdict(bench, packet, from: bench.interface)
                #expect(verdict == TCVerdict.pass)
            }
        }
    }

    @Test(arguments: Family.allCases)
    func `passes the host's own connections`(family: Family) throws {
        try TestBench.use { bench in
            for packet in ownPackets(family, [.ack]) {
                let verdict = try guardVerdict(bench, packet)
                #expect(verdict == TCVerdict.pass)
            }
        }
    }

    @Test(arguments: Family.allCases)
    func `works on devices without a link header`(family: Family) throws {
        try TestBench.use { bench in
            // Of the packets that the host says, only one to the client's side of a flow that
            // comes from a test address has the protocol in bytes 12 and 13.
            let row = FlowRow(rewrite: family.client, state: .established, isUpstream: true)
            try bench.datapath.set(row, of: family.client.reversed)
            var packet = TestPacket(family.client)
            packet.link = nil
            packet.flags = [.rst]
            let result = try bench.run(.egressRaw, on: packet.bytes) { $0.ingressInterface = 0 }
            expect(result, leaves: packet.bytes, TCVerdict.drop)
        }
    }
}
