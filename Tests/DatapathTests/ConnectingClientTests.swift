// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

@Suite(.needsKernel) struct `Client while its flow is connecting` {
    private func packet(_ connecting: ConnectingSplice, _ flags: TCPFlags, _ data: [UInt8] = [])
        -> TestPacket
    {
        var packet = TestPacket(connecting.family.client)
        packet.flags = flags
        packet.sequence = connecting.splice.note.clientISN &+ 1
        packet.acknowledgement = connecting.splice.note.cookie &+ 1
        packet.options = [.nop, .nop, .timestamps(777, 1)]
        packet.payload = data
        return packet
    }

    @Test(arguments: Family.allCases)
    func `is heard by the daemon with the flow's creation time`(family: Family) throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(family)
            try connecting.program(bench)
            let packet = packet(connecting, [.ack, .psh], [1, 2, 3])
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, leaves: packet.bytes, TCVerdict.drop)
            let hello = try #require(bench.records().hellos.first)
            #expect(hello.bytes == [1, 2, 3])
            #expect(hello.record.tuple == family.client)
            #expect(hello.record.note == nil)
            #expect(hello.record.createdNanoseconds == connecting.splice.createdNanoseconds)
            #expect(hello.record.sequence == packet.sequence)
            #expect(hello.record.timestamp == 777)
            #expect(bench.counts == [.helloRecorded: 1])
        }
    }

    @Test(arguments: Family.allCases)
    func `has carried nothing yet`(family: Family) throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(family)
            try connecting.program(bench)
            let row = try #require(bench.datapath.upstreamRow(of: family.client))
            #expect(row.totals == FlowTotals())
        }
    }

    @Test func `is not answered when it says nothing`() throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(.v4)
            try connecting.program(bench)
            let packet = packet(connecting, [.ack]).bytes
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, leaves: packet, TCVerdict.drop)
            #expect(bench.counts == [.dropConnecting: 1])
        }
    }

    @Test func `abandons it by RST`() throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(.v4)
            try connecting.program(bench)
            let packet = packet(connecting, [.rst, .ack]).bytes
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, leaves: packet, TCVerdict.drop)
            let flows = bench.records().flows
            #expect(flows.map(\.kind) == [.abandoned])
            #expect(flows.first?.createdNanoseconds == connecting.splice.createdNanoseconds)
        }
    }

    @Test func `is not made to abandon it by a stranger's RST`() throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(.v4)
            try connecting.program(bench)
            let right = packet(connecting, [.rst, .ack])
            var strange = [right, right, right, packet(connecting, [.rst])]
            strange[0].sequence &+= 131072
            strange[1].sequence &-= 1
            strange[2].acknowledgement &+= 1
            for packet in strange {
                let result = try bench.run(.flowsEthernet, on: packet)
                expect(result, leaves: packet.bytes, TCVerdict.drop)
            }
            #expect(bench.records().flows.isEmpty)
            #expect(bench.counts == [.dropConnecting: 4])
        }
    }

    @Test func `repeats its SYN to the handshake program`() throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(.v4)
            try connecting.program(bench)
            var syn = packet(connecting, [.syn])
            syn.sequence &-= 1
            let result = try bench.run(.flowsEthernet, on: syn)
            expect(result, leaves: syn.bytes, TCVerdict.pass)
            #expect(bench.datapath.row(of: connecting.family.client) != nil)
        }
    }

    @Test func `begins anew with another SYN: both rows go`() throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(.v4)
            try connecting.program(bench)
            let syn = packet(connecting, [.syn])
            let result = try bench.run(.flowsEthernet, on: syn)
            expect(result, leaves: syn.bytes, TCVerdict.pass)
            #expect(bench.datapath.row(of: connecting.family.client) == nil)
            #expect(bench.datapath.row(of: connecting.family.upstream.reversed) == nil)
        }
    }
}
