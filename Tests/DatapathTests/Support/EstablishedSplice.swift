// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Testing
import WireTypes

/// Both rows of a splice that stands, with deltas that cross 2³² for most numbers.
struct EstablishedSplice {
    let family: Family
    var upstream: FlowRow
    var downstream: FlowRow

    init(
        _ family: Family, sequenceDelta: UInt32 = 0xfedc_ba98, answerDelta: UInt32 = 0x8765_4321
    ) {
        self.family = family
        upstream = FlowRow(rewrite: family.upstream, state: .established, isUpstream: true)
        downstream = FlowRow(
            rewrite: family.client.reversed, state: .established, isUpstream: false)
        upstream.sequenceDelta = sequenceDelta
        upstream.acknowledgementDelta = 0 &- answerDelta
        upstream.timestampValueDelta = 0x1357_9bdf
        upstream.timestampEchoDelta = 0xf000_0001
        downstream.sequenceDelta = answerDelta
        downstream.acknowledgementDelta = 0 &- sequenceDelta
        downstream.timestampValueDelta = 0 &- upstream.timestampEchoDelta
        downstream.timestampEchoDelta = 0 &- upstream.timestampValueDelta
    }

    /// Key of `upstream`.
    var clientTuple: FlowTuple { family.client }
    /// Key of `downstream`.
    var endpointTuple: FlowTuple { family.upstream.reversed }

    /// Writes both rows.
    func program(_ bench: TestBench) throws {
        try bench.datapath.set(upstream, of: clientTuple)
        try bench.datapath.set(downstream, of: endpointTuple)
    }

    /// A packet of the client.
    func fromClient(_ flags: TCPFlags = [.ack], _ adjust: (inout TestPacket) -> Void = { _ in })
        -> TestPacket
    {
        var packet = TestPacket(clientTuple)
        packet.flags = flags
        packet.sequence = 0x0123_4567
        packet.acknowledgement = 0xffff_fff0
        adjust(&packet)
        return packet
    }

    /// A packet of the endpoint.
    func fromEndpoint(_ flags: TCPFlags = [.ack], _ adjust: (inout TestPacket) -> Void = { _ in })
        -> TestPacket
    {
        var packet = fromClient(flags, adjust)
        packet.tuple = endpointTuple
        return packet
    }

    /// The client's row as it stands in the kernel.
    func clientRow(_ bench: TestBench) throws -> FlowRow {
        try #require(bench.datapath.row(of: clientTuple))
    }

    /// The endpoint's row as it stands in the kernel.
    func endpointRow(_ bench: TestBench) throws -> FlowRow {
        try #require(bench.datapath.row(of: endpointTuple))
    }
}

extension FlowRow {
    /// What acknowledges all that was sent in this direction, as it arrives.
    var sentEnd: UInt32 { UInt32(truncatingIfNeeded: nextSequence) &+ sequenceDelta }
}
