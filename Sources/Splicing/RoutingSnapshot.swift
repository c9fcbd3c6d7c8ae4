// SPDX-License-Identifier: Apache-2.0

public import Balancing
public import ConnectionLogging
public import Datapath
public import HealthChecking
public import KernelSockets
public import TLSClassifier
public import WireTypes

/// A listener as the splicer and the relay's policy need it.
public struct ListenerRoutes: Sendable {
    /// Id in the datapath's name table.
    public var id: UInt16
    /// Clients → index of the cluster in the snapshot.
    public var table: RoutingTable
    /// For hellos without SNI and names without a route; nil: turned away.
    public var defaultCluster: Int?
    /// For clients that do not speak TLS; nil: turned away.
    public var nonTLSCluster: Int?
    /// How clients are turned away.
    public var rejection: RejectPolicy
    /// Bytes of a hello.
    public var helloLimit: Int
    /// How long a hello may take.
    public var helloTimeout: Duration
    /// Whether a late hello means the default cluster.
    public var lateGoesToDefault: Bool
    /// Whether a hello that is too large means the default cluster.
    public var largeGoesToDefault: Bool
    /// Whether clients' first bytes are looked at; else they are routed without.
    public var isSniffed = true
    /// Whether the datapath picks endpoints of the default cluster itself; those clients that it does
    /// not see, of this host, are relayed.
    public var isPlain = false
    /// How long a client may say nothing before it is taken to the default cluster, whose endpoints
    /// speak first; nil: as long as a hello may take.
    public var serverFirstAfter: Duration?
    /// Where clients come from that have to begin with a PROXY header.
    public var proxySenders: [AddressBlock] = []

    /// A listener that turns everyone away.
    public init(id: UInt16) {
        self.id = id
        table = RoutingTable()
        rejection = .alert
        helloLimit = 16384
        helloTimeout = .seconds(10)
        lateGoesToDefault = false
        largeGoesToDefault = false
    }

    /// Where a client with that hello goes.
    public func answer(to hello: ClientHello, from source: IPAddress) -> RouteDestination {
        answer(to: RouteQuery(hello, from: source)) ?? destination(defaultCluster)
    }

    /// Where a client goes whose bytes are no hello. An alert is for those who speak TLS.
    public func answer(to reason: NotClassifiable, from source: IPAddress) -> RouteDestination {
        switch reason {
        case .notTLS:
            if let answer = answer(to: RouteQuery(notTLSFrom: source)) { return answer }
            if let nonTLSCluster { return .cluster(nonTLSCluster) }
            return .reject(rejection.withoutTLS)
        case .tooLarge:
            if largeGoesToDefault, let defaultCluster { return .cluster(defaultCluster) }
            return .reject(rejection)
        case .malformed, .badServerName:
            return .reject(rejection)
        }
    }

    /// Where a client goes that took too long.
    public var answerToLateness: RouteDestination {
        if lateGoesToDefault, let defaultCluster { return .cluster(defaultCluster) }
        return .reject(rejection.withoutTLS)
    }

    /// Where a client goes whose bytes nobody looks at.
    public func answerUnseen(from source: IPAddress) -> RouteDestination {
        answer(to: RouteQuery(notTLSFrom: source)) ?? defaultCluster.map { .cluster($0) }
            ?? .reject(rejection.withoutTLS)
    }

    /// Where a client goes that waits for the endpoint to speak.
    public func answerToSilence(from source: IPAddress) -> RouteDestination {
        isSniffed ? destination(defaultCluster) : answerUnseen(from: source)
    }

    /// Whether endpoints may speak first: clients count from their handshake on.
    public var servesSilentClients: Bool { !isSniffed || serverFirstAfter != nil }

    /// Whether where a client goes follows from the name in its hello, and from nothing else of it.
    public var asksNameAlone: Bool {
        isSniffed && !isPlain && proxySenders.isEmpty && !servesSilentClients
            && table.asksNameAlone
    }

    /// Whether a client from there has to begin with a PROXY header.
    public func expectsPreface(from source: IPAddress) -> Bool {
        !proxySenders.isEmpty && proxySenders.contains { $0.contains(source) }
    }

    /// By its route; nil when it takes none.
    private func answer(to query: RouteQuery) -> RouteDestination? {
        guard let match = table.match(query) else { return nil }
        switch table.destination(of: match, for: query.source) {
        case .cluster(let index): return .cluster(index)
        case .reject(let how): return .reject(query.isTLS ? how : how.withoutTLS)
        }
    }

    private func destination(_ cluster: Int?) -> RouteDestination {
        cluster.map { .cluster($0) } ?? .reject(rejection)
    }
}

/// An endpoint as seen from this host.
public struct Target: Sendable, Equatable {
    /// Where it listens.
    public var address: TransportAddress
    /// Source addresses towards it; empty without a route.
    public var sources: [IPAddress]
    /// Why connections to it cannot be spliced; nil when they can.
    public var obstacle: RelayReason?

    /// An endpoint that can be spliced to.
    public init(address: TransportAddress, sources: [IPAddress], obstacle: RelayReason? = nil) {
        self.address = address
        self.sources = sources
        self.obstacle = obstacle
    }
}

/// A cluster at work.
public struct ClusterState: Sendable {
    /// Id in the datapath's name table.
    public var id: UInt16
    /// Indices of its endpoints in the snapshot's targets.
    public var targets: [Int]
    /// How long one endpoint may take to answer.
    public var connectTimeout: Duration
    /// Chooses among them; together with all workers and the relay.
    public var picker: Picker
    /// How its endpoints are told who their clients are.
    public var proxyProtocol: ProxyProtocol
    /// What else a header of version 2 tells them.
    public var proxyTLVs: [ProxyTLV] = []
    /// Whether they see their clients' own addresses and ports.
    public var isTransparent = false
    /// What becomes of clients when no endpoint may get them.
    public var whenEmpty: EmptyAction

    /// A cluster.
    public init(
        id: UInt16, targets: [Int], connectTimeout: Duration, picker: Picker,
        proxyProtocol: ProxyProtocol = .off, whenEmpty: EmptyAction = .tryAll
    ) {
        self.id = id
        self.targets = targets
        self.connectTimeout = connectTimeout
        self.picker = picker
        self.proxyProtocol = proxyProtocol
        self.whenEmpty = whenEmpty
    }
}

/// Everything that routing needs, immutable. Another configuration makes another one, in which
/// listeners and clusters have the same ids as before, and targets the same places.
public struct RoutingSnapshot: Sendable {
    /// By id in the datapath's name table.
    public var listeners: [UInt16: ListenerRoutes]
    /// In the order of the configuration.
    public var clusters: [ClusterState]
    /// Every endpoint address once, those of earlier configurations first.
    public var targets: [Target]
    /// What the endpoints, by their place in `targets`, have to do; shared by all copies.
    public let loads: [EndpointLoad]
    /// What they taught, likewise.
    public let lessons: EndpointLessons
    /// What connections say of their health, likewise.
    public let signals: HealthSignals
    /// How many connections there may be; nil: nothing is bounded.
    public var limits: ConnectionLimits?
    /// The places of those targets that the datapath picks itself.
    let plainTargets: Set<Int>
    /// Splices whose source is their client's, likewise.
    let transparent: TransparentSplices
    let refused: RefusedClients
    /// A rule as it would be written, for the connection log.
    public var describe: (@Sendable (Route) -> String)?
    private let clusterPlaces: [UInt16: Int]

    /// A snapshot, whose clusters' pickers follow `loads`. The targets and loads of `earlier` are
    /// the first of these.
    public init(
        listeners: [UInt16: ListenerRoutes], clusters: [ClusterState], targets: [Target],
        loads: [EndpointLoad], continuing earlier: RoutingSnapshot? = nil
    ) {
        precondition(loads.count == targets.count)
        self.loads = loads
        self.listeners = listeners
        self.clusters = clusters
        self.targets = targets
        lessons = EndpointLessons(count: targets.count, continuing: earlier?.lessons)
        signals = HealthSignals(targets: targets.count, continuing: earlier?.signals)
        plainTargets = Set(
            listeners.values.filter(\.isPlain).compactMap(\.defaultCluster)
                .flatMap { clusters[$0].targets })
        transparent = earlier?.transparent ?? TransparentSplices()
        refused = earlier?.refused ?? RefusedClients()
        clusterPlaces = Dictionary(
            clusters.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The place of the cluster with that id; nil when it is not configured, or no longer.
    public func place(ofCluster id: UInt16) -> Int? { clusterPlaces[id] }

    /// Where a client of the cluster at that place goes: to it, or, when no endpoint of it may get
    /// connections, where its ``ClusterState/whenEmpty`` says. Takes a lock.
    public func destination(of cluster: Int) -> RouteDestination {
        var index = cluster
        // Longer chains have a loop, which the configuration forbids.
        for _ in clusters.indices {
            let state = clusters[index]
            guard state.picker.states.isEmpty else { return .cluster(index) }
            signals.foundEmpty(cluster: index)
            switch state.whenEmpty {
            case .tryAll: return .reject(.reset)
            case .reject(let how): return .reject(how)
            case .cluster(let next): index = next
            }
        }
        return .reject(.reset)
    }
}

/// A connection that the splicer gives away.
public enum HandOver: Sendable {
    /// Relay it to the cluster with this id in the name table, for a reason; first to the endpoint at
    /// this place among the targets, if one was picked.
    case relay(cluster: UInt16, target: Int?, RelayReason, ServerName?)
    /// Go on reading its hello, for a reason.
    case classify(RelayReason)
    /// Turn it away.
    case reject(RejectPolicy)
}

/// Who takes what cannot be spliced: the relay.
public protocol SpliceFallback: Sendable {
    /// Takes over a client's connection. Called on a worker's thread: must be quick.
    func take(_ connection: AdoptedConnection, listener: UInt16, _ what: HandOver)
    /// What the connection log wants to know of a client that is about to be taken over; only when
    /// connections are logged.
    func note(_ facts: ConnectionFacts, of client: FlowTuple)
}

extension SpliceFallback {
    /// Nothing is kept.
    public func note(_ facts: ConnectionFacts, of client: FlowTuple) {}
}
