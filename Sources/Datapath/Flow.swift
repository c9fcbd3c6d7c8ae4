// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// Life of a splice as users see it.
public enum FlowState: String, Sendable, CaseIterable, Codable {
    /// SYN sent to the endpoint.
    case connecting
    /// Both directions translate (or copy).
    case established
    /// A FIN was seen.
    case closing
    /// Both FINs acknowledged; lingers.
    case closed
    /// An RST was seen; lingers.
    case reset
}

/// Why a connection is relayed and not spliced.
public enum RelayReason: String, Sendable, CaseIterable, Codable {
    /// It came by an ordinary listening socket: a client on this host.
    case localClient = "local-client"
    /// The endpoint refused a TCP option that the client was promised.
    case optionsRefused = "options-refused"
    /// Urgent data in the hello.
    case urgentData = "urgent-data"
    /// The hello came in many small segments or slowly.
    case trickledHello = "trickled-hello"
    /// No route to the endpoint, or through an interface that is not attached.
    case noRoute = "no-route"
    /// The flow table is above its watermark.
    case tableFull = "table-full"
    /// Splicing is switched off.
    case splicingOff = "splicing-off"
    /// Client and endpoint are of different address families.
    case addressFamily = "address-family"
    /// No permission to load BPF.
    case noBPF = "no-bpf"
    /// The endpoint lives on this host.
    case localEndpoint = "local-endpoint"
    /// All source ports towards the endpoint are in use, or the client's own, where it is to be kept.
    case noPort = "no-port"
    /// Classification ended without a hello and the policy is the default route.
    case defaultRoute = "default-route"
    /// The client waits for its endpoint to speak, and bytes of ours go first.
    case serverFirst = "server-first"
    /// The PROXY header to the endpoint is shorter than the one that the client sent.
    case proxyHeader = "proxy-header"
}

/// What one direction of a connection did, and how its packets are changed.
public struct FlowDirection: Sendable, Equatable {
    /// The tuple as its packets arrive.
    public var tuple: FlowTuple
    /// The tuple on the way out.
    public var rewrite: FlowTuple
    /// Packets seen (super-packets count once).
    public var packets: UInt64
    /// TCP payload bytes sent, each counted once (by sequence numbers).
    public var bytes: UInt64
    /// TCP payload bytes that came again.
    public var retransmittedBytes: UInt64
    /// Added to sequence numbers, modulo 2³².
    public var sequenceDelta: UInt32
    /// Added to acknowledgements and SACK edges, modulo 2³².
    public var acknowledgementDelta: UInt32
    /// Added to TSval, modulo 2³².
    public var timestampValueDelta: UInt32
    /// Added to TSecr, modulo 2³².
    public var timestampEchoDelta: UInt32
    /// Window shift: positive multiplies, negative divides.
    public var windowShift: Int
    /// Index of the interface its packets arrive on, 0 = not seen yet.
    public var ingressInterface: UInt32
    /// Index of the interface its packets leave by, 0 = not known yet.
    public var egressInterface: UInt32

    /// A direction with all counters and deltas zero.
    public init(tuple: FlowTuple, rewrite: FlowTuple) {
        self.tuple = tuple
        self.rewrite = rewrite
        packets = 0
        bytes = 0
        retransmittedBytes = 0
        sequenceDelta = 0
        acknowledgementDelta = 0
        timestampValueDelta = 0
        timestampEchoDelta = 0
        windowShift = 0
        ingressInterface = 0
        egressInterface = 0
    }
}

/// One connection of a client as `flowdump` lists it: spliced (two flows) or relayed.
public struct Flow: Sendable, Equatable {
    /// Client to endpoint: arrives as client → listener, leaves as balancer → endpoint.
    public var upstream: FlowDirection
    /// Endpoint to client: arrives as endpoint → balancer, leaves as listener → client.
    public var downstream: FlowDirection
    /// State of the connection.
    public var state: FlowState
    /// nil when spliced.
    public var relayReason: RelayReason?
    /// The name of the listener, or its number when the name is gone.
    public var listener: String
    /// The name of the cluster, likewise.
    public var cluster: String
    /// The SNI, nil when there was none.
    public var serverName: String?
    /// CLOCK_MONOTONIC nanoseconds of its beginning.
    public var createdNanoseconds: UInt64
    /// CLOCK_MONOTONIC nanoseconds of its last packet in either direction, or of its beginning.
    public var lastSeenNanoseconds: UInt64
    /// Window scale that the client offered (nil: none), that we promised it, that the endpoint offered.
    public var clientScale: UInt8?
    /// Window scale that we promised the client; nil: none.
    public var balancerScale: UInt8?
    /// Window scale that the endpoint offered; nil: none.
    public var endpointScale: UInt8?
    /// Whether timestamps were agreed on.
    public var hasTimestamps: Bool
    /// Whether SACK was agreed on.
    public var hasSACK: Bool

    /// A flow with counters zero.
    public init(
        upstream: FlowDirection, downstream: FlowDirection, state: FlowState,
        relayReason: RelayReason?, listener: String, cluster: String, serverName: String?,
        createdNanoseconds: UInt64, lastSeenNanoseconds: UInt64
    ) {
        self.upstream = upstream
        self.downstream = downstream
        self.state = state
        self.relayReason = relayReason
        self.listener = listener
        self.cluster = cluster
        self.serverName = serverName
        self.createdNanoseconds = createdNanoseconds
        self.lastSeenNanoseconds = lastSeenNanoseconds
        hasTimestamps = false
        hasSACK = false
    }

    /// The client.
    public var client: TransportAddress { upstream.tuple.source }
    /// The listener's address that the client connected to.
    public var listenerAddress: TransportAddress { upstream.tuple.destination }
    /// Our side towards the endpoint; in a transparent cluster the client's own address and port.
    public var balancerAddress: TransportAddress { upstream.rewrite.source }
    /// The endpoint.
    public var endpoint: TransportAddress { upstream.rewrite.destination }
}
