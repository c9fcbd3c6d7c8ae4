// SPDX-License-Identifier: Apache-2.0

public import Balancing
public import WireTypes

/// Sizes and times that bound what is kept.
public struct Limits: Hashable, Sendable {
    /// Entries of the flow table; a spliced connection takes two.
    public var flows: Int
    /// Percent of the flow table up to which connections are spliced, 1…100; above, they are
    /// relayed.
    public var watermark: Int
    /// Handshakes that are remembered; when one is forgotten, its cookie stands in for it.
    public var handshakes: Int
    /// Clients whose hello is not complete; past that the oldest is rejected.
    public var halfClassified: Int
    /// How long a flow may be silent.
    public var idleTimeout: Duration
    /// Whether both ends of a silent flow are asked whether they live before it is ended.
    public var idleProbe: Bool
    /// Whether packets without new data (keepalives) keep a flow from being idle.
    public var countsKeepalives: Bool
    /// How long a flow may live; nil: as long as it likes.
    public var maxLifetime: Duration?
    /// How long a closed flow still translates late packets.
    public var closedLinger: Duration
    /// The most connections, spliced and relayed; nil: as many as there are.
    public var maxConnections: Int? = nil
    /// Who may connect to any listener.
    public var access = AccessList()
    /// What the clients of one source may do, whatever their listeners; nil: what they like.
    public var perSource: SourceLimit? = nil
    /// How many sources are remembered for their pace, and how many may be full.
    public var trackedSources = 65536

    /// Entries of the flow table that may be in use when one more connection is spliced.
    public var admittedFlows: Int { flows * watermark / 100 }
}

/// What connections to endpoints come from.
public struct SourcePool: Hashable, Sendable {
    /// Source addresses; empty means the address that the kernel would choose.
    public var addresses: [IPAddress]
    /// Ports that are ours alone: one to ``rangeLimit`` ranges, none overlapping another.
    public var ports: [ClosedRange<UInt16>]

    /// As many as the datapath has room for.
    public static let rangeLimit = 8
}
