// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

/// A splice with a header of ours in front of the client's hello.
@Suite(.needsKernel) struct `Owned bytes` {
    private static let header = [UInt8](repeating: 0xaa, count: 28)
    private static let hello = DatapathTests.hello(517)

    /// The endpoint answers the SYN, and gets header and hello.
    private func establish(_ bench: TestBench, _ family: Family) throws -> ConnectingSplice {
        var ring = bench.templateRing()
        var connecting = ConnectingSplice(family)
        connecting.splice.ownedLength = UInt16(Self.header.count)
        try connecting.program(bench, &ring, hello: Self.header + Self.hello)
        let result = try bench.run(.flowsEthernet, on: connecting.synAck)
        expect(result, isRedirectOf: connecting.answer(Self.header + Self.hello))
        return connecting
    }

    /// Bytes of the client from an offset of its stream.
    private func fromClient(
        _ connecting: ConnectingSplice, _ data: [UInt8], at offset: UInt32 = 0
    ) -> TestPacket {
        var packet = TestPacket(connecting.family.client)
        packet.flags = data.isEmpty ? [.ack] : [.ack, .psh]
        packet.sequence = connecting.splice.note.clientISN &+ 1 &+ offset
        packet.acknowledgement = connecting.splice.note.cookie &+ 1
        packet.payload = data
        return packet
    }

    /// The endpoint acknowledges what is before `offset` of what it was sent.
    private func acknowledge(
        _ bench: TestBench, _ connecting: ConnectingSplice, _ offset: Int
    ) throws -> UInt32 {
        let packet = connecting.fromEndpoint([.ack]) {
            $0.sequence &+= 1
            $0.acknowledgement = connecting.splice.isn &+ 1 &+ UInt32(offset)
        }
        let result = try bench.run(.flowsEthernet, on: packet)
        #expect(result.verdict == TCVerdict.redirect)
        return word(result.packet, 8, connecting.family)
    }

    /// A number of the packet's TCP header.
    private func word(_ packet: [UInt8], _ offset: Int, _ family: Family) -> UInt32 {
        let start = (family == .v4 ? 34 : 54) + offset
        return packet[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    @Test(arguments: Family.allCases)
    func `stand before the client's numbers, and are not counted as its own`(family: Family) throws
    {
        try TestBench.use { bench in
            let connecting = try establish(bench, family)
            let up = try connecting.clientRow(bench)
            let down = try connecting.endpointRow(bench)
            let splice = connecting.splice
            #expect(up.sequenceDelta == splice.isn &- splice.note.clientISN &+ 28)
            #expect(down.acknowledgementDelta == 0 &- up.sequenceDelta)
            #expect(up.flags.contains(.owned) && !down.flags.contains(.owned))
            #expect(up.bytes == 517 && up.packets == 1)
            #expect(up.nextSequence == UInt64(splice.note.clientISN) + 1 + 517)
            #expect(up.ownedLength == 28 && down.ownedLength == 28)
        }
    }

    @Test(arguments: Family.allCases, [0, 27])
    func `that the endpoint does not have take the client's data to the daemon`(
        family: Family, acknowledged: Int
    ) throws {
        try TestBench.use { bench in
            let connecting = try establish(bench, family)
            if acknowledged > 0 { _ = try acknowledge(bench, connecting, acknowledged) }
            _ = bench.records()
            let packet = fromClient(connecting, [1, 2, 3])
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, leaves: packet.bytes, TCVerdict.drop)
            let record = try #require(bench.records().hellos.first)
            #expect(record.bytes == [1, 2, 3] && record.record.note == nil)
            #expect(record.record.createdNanoseconds == connecting.splice.createdNanoseconds)
            #expect(record.record.sequence == packet.sequence)
            let row = try connecting.clientRow(bench)
            #expect(row.flags.contains(.owned) && row.bytes == 517)
        }
    }

    @Test(arguments: Family.allCases)
    func `leave what carries no data to the endpoint`(family: Family) throws {
        try TestBench.use { bench in
            let connecting = try establish(bench, family)
            _ = bench.records()
            let result = try bench.run(
                .flowsEthernet, on: fromClient(connecting, [], at: 517))
            #expect(result.verdict == TCVerdict.redirect)
            let sequence = word(result.packet, 4, family)
            #expect(sequence == connecting.splice.isn &+ 1 &+ 28 &+ 517)
            #expect(bench.records().hellos.isEmpty)
        }
    }

    @Test(arguments: Family.allCases, [28, 545])
    func `that the endpoint acknowledged are forgotten by the client's next packet`(
        family: Family, acknowledged: Int
    ) throws {
        try TestBench.use { bench in
            let connecting = try establish(bench, family)
            let answer = try acknowledge(bench, connecting, acknowledged)
            let first = connecting.splice.note.clientISN &+ 1
            #expect(answer == first &+ UInt32(acknowledged - 28))
            _ = bench.records()
            let packet = fromClient(connecting, [4, 5], at: 517)
            let result = try bench.run(.flowsEthernet, on: packet)
            #expect(result.verdict == TCVerdict.redirect)
            let sequence = word(result.packet, 4, family)
            #expect(sequence == connecting.splice.isn &+ 1 &+ 545)
            #expect(result.packet.suffix(2) == [4, 5])
            let row = try connecting.clientRow(bench)
            #expect(!row.flags.contains(.owned) && row.bytes == 519)
            #expect(bench.records().hellos.isEmpty)
        }
    }

    /// Numbers in front of its first byte would mean nothing to the client (RFC 5927 §4.1).
    @Test(arguments: Family.allCases, [0, 27, 28, 30])
    func `are the client's first byte in an error that quotes them`(family: Family, offset: UInt32)
        throws
    {
        try TestBench.use { bench in
            let connecting = try establish(bench, family)
            var quoted = TestPacket(connecting.splice.upstream)
            quoted.sequence = connecting.splice.isn &+ 1 &+ offset
            let header = family == .v4 ? 20 : 40
            let error = ICMPError(
                from: connecting.splice.upstream.destination.address,
                to: connecting.splice.upstream.source.address, type: family == .v4 ? 3 : 2,
                quote: Array(quoted.bytes[14..<14 + header + 8]))
            var tooBig = error
            tooBig.code = family == .v4 ? 4 : 0
            tooBig.word = 1280
            let result = try bench.run(.flowsEthernet, on: tooBig.bytes)
            #expect(result.verdict == TCVerdict.redirect)
            let start = 14 + header + 8 + header + 4
            let sequence = result.packet[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
            let first = connecting.splice.note.clientISN &+ 1
            #expect(sequence == first &+ (offset > 28 ? offset - 28 : 0))
        }
    }
}
