// SPDX-License-Identifier: Apache-2.0

/// What was there to be checked: silence about nothing proves nothing.
public struct Figures: Sendable, Equatable {
    /// Flows checked: both connections seen from the SYN on.
    public var flows = 0
    /// Connections of clients that were answered and have no connection to an endpoint.
    public var unpaired = 0
    /// TCP packets of the front wire, and of the back wire, in flows.
    public var frontPackets = 0, backPackets = 0
    /// Bytes that clients, and endpoints, sent, each byte once.
    public var upstreamBytes = 0, downstreamBytes = 0
    /// Packets that arrived with bytes of their stream that had arrived before.
    public var retransmissions = 0
    /// Packets that arrived behind a gap.
    public var gaps = 0
    /// Packets that arrived with SACK blocks, and those among them with a D-SACK.
    public var sacks = 0, duplicateSACKs = 0
    /// Packets that arrived with timestamps.
    public var timestamps = 0
    /// Packets that left with another window than they arrived with.
    public var rescaledWindows = 0
    /// Packets longer than any MTU of Ethernet: put together by GRO, or not taken apart yet.
    public var superPackets = 0
    /// TCP checksums left to a device: the sum of the pseudo-header alone.
    public var partialChecksums = 0
    /// SYN-ACKs of endpoints that the balancer answered by the ClientHello, the first included.
    public var hellos = 0
    /// RSTs and keepalives of the balancer itself.
    public var ownResets = 0, ownKeepalives = 0
    /// Packets that arrived in a flow that stood and never left: dropped.
    public var dropped = 0
    /// Packets that arrived with a wrong checksum.
    public var corrupted = 0
    /// ICMP errors on both wires.
    public var icmpErrors = 0
    /// TCP packets that belong to no flow: relayed or refused connections, strays.
    public var otherPackets = 0

    /// Nothing seen.
    public init() {}
}
