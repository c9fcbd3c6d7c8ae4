// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

@Suite(.needsKernel) struct `Endpoint that does not say yes` {
    private func expectRecord(
        _ bench: TestBench, _ connecting: ConnectingSplice, _ kind: FlowRecord.Kind
    ) throws {
        let flows = bench.records().flows
        #expect(flows.map(\.kind) == [kind])
        #expect(flows.first?.client == connecting.family.client)
        #expect(flows.first?.upstream == connecting.family.upstream)
        #expect(flows.first?.createdNanoseconds == connecting.splice.createdNanoseconds)
        #expect(try connecting.clientRow(bench).state == .connecting)
        #expect(try connecting.endpointRow(bench).state == .connecting)
    }

    @Test(arguments: Family.allCases)
    func `refuses by RST`(family: Family) throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(family)
            try connecting.program(bench)
            let packet = connecting.fromEndpoint([.rst, .ack]) { $0.sequence = 0 }.bytes
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, leaves: packet, TCVerdict.drop)
            try expectRecord(bench, connecting, .refused)
            #expect(bench.counts == [.dropConnecting: 1])
        }
    }

    @Test(arguments: Family.allCases)
    func `challenges by an ACK of something else`(family: Family) throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(family)
            try connecting.program(bench)
            let packet = connecting.fromEndpoint([.ack]) { $0.acknowledgement = 12345 }.bytes
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, leaves: packet, TCVerdict.drop)
            try expectRecord(bench, connecting, .challenged)
            #expect(bench.counts == [.dropBadSynAck: 1])
        }
    }

    @Test(arguments: [[.rst, .ack], [.ack]] as [TCPFlags], DamagedByte.allCases)
    func `is not believed when its checksum is wrong`(
        flags: TCPFlags, damaged: DamagedByte
    ) throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(.v4)
            try connecting.program(bench)
            let packet = connecting.fromEndpoint(flags) {
                $0.options = [.nop, .nop, .timestamps(1, 2)]
                if flags == [.ack] { $0.acknowledgement = 12345 }
            }
            let result = try bench.run(.flowsEthernet, on: damaged.damage(packet))
            #expect(result.verdict == TCVerdict.drop)
            #expect(bench.records().flows.isEmpty)
            #expect(bench.counts == [.dropMalformed: 1])
        }
    }

    @Test(arguments: [[.syn, .ack], [.rst, .ack], [.rst], [.syn], []] as [TCPFlags])
    func `is not believed when its answer is to another SYN`(flags: TCPFlags) throws {
        try TestBench.use { bench in
            let connecting = ConnectingSplice(.v4)
            try connecting.program(bench)
            let packet = connecting.fromEndpoint(flags) { $0.acknowledgement &+= 1 }.bytes
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, leaves: packet, TCVerdict.drop)
            #expect(bench.records().flows.isEmpty)
            #expect(bench.counts == [.dropBadSynAck: 1])
            #expect(try connecting.endpointRow(bench).state == .connecting)
        }
    }

    @Test(arguments: Family.allCases)
    func `lacks timestamps that the client was promised`(family: Family) throws {
        try TestBench.use { bench in
            var connecting = ConnectingSplice(family)
            connecting.options = [.maximumSegment(1460), .sackPermitted, .windowScale(7)]
            try connecting.program(bench)
            let packet = connecting.synAck.bytes
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, leaves: packet, TCVerdict.drop)
            try expectRecord(bench, connecting, .optionsRefused)
            #expect(bench.counts == [.dropConnecting: 1])
        }
    }

    @Test func `lacks SACK: the client's blocks are blanked`() throws {
        try TestBench.use { bench in
            var connecting = ConnectingSplice(.v4)
            connecting.options.removeAll { $0 == .sackPermitted }
            try connecting.program(bench)
            let result = try bench.run(.flowsEthernet, on: connecting.synAck)
            expect(result, isRedirectOf: connecting.answer([]))
            #expect(try connecting.clientRow(bench).flags.contains(.stripSACK))
        }
    }

    @Test func `lacks window scaling: windows are moved into its scale and out of it`() throws {
        try TestBench.use { bench in
            var connecting = ConnectingSplice(.v4)
            connecting.options.removeAll { $0 == .windowScale(7) }
            try connecting.program(bench)
            let result = try bench.run(.flowsEthernet, on: connecting.synAck)
            var answer = connecting.answer([])
            answer.window = connecting.splice.clientWindow << 4
            expect(result, isRedirectOf: answer)
            #expect(try connecting.clientRow(bench).windowShift == 4)
            #expect(try connecting.endpointRow(bench).windowShift == -7)
        }
    }

    @Test(arguments: [0, 3, 7, 10, 14, 15, 255] as [UInt8])
    func `has another scale: only its own windows are moved`(scale: UInt8) throws {
        try TestBench.use { bench in
            var connecting = ConnectingSplice(.v4)
            connecting.options.removeAll { $0 == .windowScale(7) }
            connecting.options.append(.windowScale(scale))
            try connecting.program(bench)
            let result = try bench.run(.flowsEthernet, on: connecting.synAck)
            expect(result, isRedirectOf: connecting.answer([]))
            // RFC 7323 §2.3: more than 14 is 14.
            let shift = Int8(min(scale, 14)) - 7
            #expect(try connecting.clientRow(bench).windowShift == 0)
            #expect(try connecting.endpointRow(bench).windowShift == shift)
        }
    }

    @Test func `is not scaled to for a client that did not offer scaling`() throws {
        try TestBench.use { bench in
            var connecting = ConnectingSplice(.v4, hasScale: false)
            connecting.options.append(.windowScale(9))
            try connecting.program(bench)
            _ = try bench.run(.flowsEthernet, on: connecting.synAck)
            #expect(try connecting.clientRow(bench).windowShift == 0)
            #expect(try connecting.endpointRow(bench).windowShift == 0)
        }
    }
}
