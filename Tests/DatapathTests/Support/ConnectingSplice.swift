// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Testing
import WireTypes

/// A splice whose SYN went to the endpoint, and the packets of its handshake.
struct ConnectingSplice {
    let family: Family
    var splice: Splice
    /// The endpoint's initial sequence number.
    var endpointISN: UInt32 = 0xffff_ffff
    /// The endpoint's TSval.
    var endpointTimestamp: UInt32 = 0x0000_1000
    /// What the endpoint's SYN-ACK carries.
    var options: [TCPOption]

    init(_ family: Family, hasTimestamps: Bool = true, hasSACK: Bool = true, hasScale: Bool = true)
    {
        self.family = family
        var note = HandshakeNote(clientISN: 0xffff_ff00, cookie: 0x1111_2222, listener: 3)
        note.hasTimestamps = hasTimestamps
        note.hasSACK = hasSACK
        note.hasWindowScale = hasScale
        note.timestamp = hasTimestamps ? 0x0500_0000 : 0
        note.clientScale = hasScale ? 4 : 0
        note.ourScale = hasScale ? 7 : 0
        splice = Splice(
            client: family.client, upstream: family.upstream, note: note, isn: 0x2233_4455)
        splice.clientTimestamp = hasTimestamps ? 0xffff_fff0 : 0
        splice.clientWindow = 0x1f6
        splice.createdNanoseconds = 0x0900_0000 * 1_000_000 + 4711
        options = [.maximumSegment(1460)]
        if hasSACK { options.append(.sackPermitted) }
        if hasTimestamps { options.append(.timestamps(endpointTimestamp, splice.synTimestamp)) }
        if hasScale { options += [.nop, .windowScale(7)] }
    }

    /// Stores the hello and writes both rows.
    mutating func program(
        _ bench: TestBench, _ ring: inout TemplateRing, hello: [UInt8], segmentSize: Int = 1400
    ) throws {
        splice.template = ring.store(hello.span, segmentSize: segmentSize)
        try program(bench)
    }

    /// Writes both rows.
    func program(_ bench: TestBench) throws {
        var batch = SpliceBatch()
        batch.append(splice)
        try bench.datapath.write(&batch)
    }

    /// A packet of the endpoint.
    func fromEndpoint(_ flags: TCPFlags, _ adjust: (inout TestPacket) -> Void = { _ in })
        -> TestPacket
    {
        var packet = TestPacket(family.upstream.reversed)
        packet.flags = flags
        packet.timeToLive = 57
        packet.sequence = endpointISN
        packet.acknowledgement = splice.isn &+ 1
        packet.window = 65160
        adjust(&packet)
        return packet
    }

    /// The endpoint's SYN-ACK.
    var synAck: TestPacket { fromEndpoint([.syn, .ack]) { $0.options = options } }

    /// Our ACK with `data`, which begins `offset` bytes into the hello.
    func answer(_ data: [UInt8], at offset: UInt32 = 0, isLast: Bool = true) -> TestPacket {
        var packet = TestPacket(family.upstream)
        packet.flags = data.isEmpty || !isLast ? [.ack] : [.ack, .psh]
        packet.sequence = splice.isn &+ 1 &+ offset
        packet.acknowledgement = endpointISN &+ 1
        packet.window = splice.clientWindow
        if splice.note.hasTimestamps {
            // The client's own TSval moved to what our SYN began with.
            packet.options = [.nop, .nop, .timestamps(splice.synTimestamp, endpointTimestamp)]
        }
        packet.payload = data
        return packet
    }

    /// The client's row in the kernel.
    func clientRow(_ bench: TestBench) throws -> FlowRow {
        try #require(bench.datapath.row(of: family.client))
    }

    /// The endpoint's row in the kernel.
    func endpointRow(_ bench: TestBench) throws -> FlowRow {
        try #require(bench.datapath.row(of: family.upstream.reversed))
    }
}

extension TestPacket {
    /// The packet with source and destination MAC exchanged, as clones go back.
    var facingBack: TestPacket {
        var packet = self
        packet.link = link.map { Array($0[6...]) + Array($0[..<6]) }
        return packet
    }
}

/// A hello of `count` bytes that tells each byte's place.
func hello(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
}
