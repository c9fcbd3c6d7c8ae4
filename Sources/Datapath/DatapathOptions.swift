// SPDX-License-Identifier: Apache-2.0

/// What is decided when the datapath is loaded.
public struct DatapathOptions: Sendable {
    /// The instance's name, part of the pins' path.
    public var instance = "sluice"
    /// How many workers, each with its rings: 1…64.
    public var workers = 1
    /// Entries in the flow table, two a splice. A table that is pinned already keeps its size.
    public var flows = 262_144
    /// Notes of handshakes under way.
    public var handshakes = 65_536
    /// Entries for flows of plain listeners that are about to stand, two each; 0: there are no such
    /// listeners.
    public var openings = 0
    /// Whether records of flows say how old these are, for a log of connections.
    public var tellsAge = false
    /// Whether handshakes stop when the daemon's heartbeat stops (clsact).
    public var needsHeartbeat = false
    /// Ports that splices come from: at most 8 ranges are told apart, the rest is the stack's.
    public var sourcePorts: [ClosedRange<UInt16>] = []
    /// Those of them that flows of plain listeners come from, which nobody else takes towards their
    /// endpoints.
    public var plainPorts: [ClosedRange<UInt16>] = []
    /// Rooms for what ``SourceRule`` and ``SourceAllowance`` are kept in.
    public var sources = SourceRooms()
    /// How many endpoints there is room for. Not pinned: each daemon has its own.
    public var endpoints = 1024
    /// Kinds of links that programs are loaded for.
    public var links = Set(LinkKind.allCases)
    /// Whether rows of another version's table are merged into this one's.
    public var mergesRows = false
    /// Whether nothing is pinned: for tests.
    public var isPrivate = false

    /// The defaults.
    public init() {}
}

/// How programs are attached.
public enum AttachMode: String, Sendable {
    /// Links of Linux 6.6 and newer.
    case tcx
    /// Filters at a clsact qdisc.
    case clsact
}
