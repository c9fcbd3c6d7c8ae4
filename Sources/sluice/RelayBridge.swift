// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import HealthChecking
import HealthProbing
import KernelSockets
import Logging
import Relaying
import Splicing
import Synchronization
import TLSClassifier
import WireTypes

/// Between splicers, relay and maps: hands clients over, routes what the relay accepts, and shows
/// relayed connections in the maps.
final class RelayBridge: SpliceFallback, RelayPolicy, RelayObserver {
    private let datapath: KernelDatapath?
    private let routes: RoutingSnapshot
    private let names: ServerNameTable
    private let counters: SplicerCounters
    private let logger: Logger
    /// Of the identities that endpoints are told.
    private let key: (UInt64, UInt64)
    private let relay = Mutex<Relay?>(nil)
    /// Why adopted clients are classified by the relay.
    private let reasons = Mutex<[FlowTuple: RelayReason]>([:])
    private let own = Mutex<Set<IPAddress>>([])
    /// Places of clusters by their ids.
    private let clusterIndex: [UInt16: Int]

    init(
        datapath: KernelDatapath?, routes: RoutingSnapshot, names: ServerNameTable,
        counters: SplicerCounters, logger: Logger
    ) {
        self.datapath = datapath
        self.routes = routes
        self.names = names
        self.counters = counters
        self.logger = logger
        key =
            (try? datapath?.initialSequenceSecret())
            ?? (.random(in: 0 ... .max), .random(in: 0 ... .max))
        clusterIndex = Dictionary(
            routes.clusters.enumerated().map { ($1.id, $0) },
            uniquingKeysWith: { first, _ in first })
        lookAtHostAddresses()
    }

    /// The host's addresses are others than before.
    func lookAtHostAddresses() {
        let addresses = Set(NetworkInterface.hostAddresses)
        own.withLock { $0 = addresses }
    }

    /// The relay is made with this bridge, so it comes after it.
    func use(_ relay: Relay) { self.relay.withLock { $0 = relay } }

    // Splicers hand over.

    func take(_ connection: AdoptedConnection, listener: UInt16, _ what: HandOver) {
        guard let relay = relay.withLock({ $0 }) else { return }
        switch what {
        case .relay(let cluster, let endpoint, let reason, let name):
            // One that was picked already is tried whatever happened since.
            let destination =
                endpoint == nil ? routes.destination(of: cluster) : .cluster(cluster)
            switch destination {
            case .cluster(let index):
                let client = RelayedClient(
                    listener: listener, tuple: connection.tuple,
                    named: connection.named ?? connection.tuple, hello: connection.received)
                relay.adopt(
                    connection, plan: plan(client, index, reason, name, first: endpoint))
            case .reject(let how): relay.adoptAndReject(connection, RejectAction(how))
            }
        case .classify(let reason):
            reasons.withLock { $0[connection.tuple] = reason }
            relay.adopt(connection, listener: listener)
        case .reject(let how):
            relay.adoptAndReject(connection, RejectAction(how))
        }
    }

    /// Who is relayed.
    private struct RelayedClient {
        var listener: UInt16
        var tuple: FlowTuple
        /// Whom a PROXY header named; the client itself without one.
        var named: FlowTuple
        /// As far as it is known.
        var hello: [UInt8] = []
        var protocols = ApplicationProtocols()
    }

    private func plan(
        _ client: RelayedClient, _ cluster: Int, _ reason: RelayReason, _ name: ServerName?,
        first: Int? = nil
    ) -> RelayPlan {
        let state = routes.clusters[cluster]
        let targets = routes.targets
        let turns = RelayTurns(
            state.picker, ClientKey(source: client.named.source, serverName: name), first: first,
            loads: state.targets.map { routes.loads[$0] })
        var plan = RelayPlan(
            listener: client.listener, cluster: state.id, reason: reason, serverName: name,
            connectTimeout: state.connectTimeout
        ) { _ in
            guard let endpoint = turns.next() else { return nil }
            return RelayCandidate(
                index: UInt16(endpoint), address: targets[state.targets[endpoint]].address)
        }
        plan.ownedBytes = state.proxyHeader(
            of: client.named, named: name, protocols: client.protocols, hello: client.hello.span,
            identity: ConnectionIdentity(
                of: client.tuple, created: MonotonicClock.nanoseconds, key: key))
        return plan
    }

    // The relay asks.

    func manner(listener: UInt16, source: IPAddress) -> RelayManner {
        var manner = RelayManner()
        guard let routes = routes.listeners[listener] else { return manner }
        manner.expectsPreface = routes.expectsPreface(from: source)
        manner.patience = routes.isSniffed ? routes.serverFirstAfter : .zero
        return manner
    }

    func decide(
        listener: UInt16, tuple: FlowTuple, named: FlowTuple, outcome: HelloOutcome
    ) -> RelayDecision {
        guard let routes = routes.listeners[listener] else { return .reject(.reset) }
        var client = RelayedClient(listener: listener, tuple: tuple, named: named)
        let source = named.source.address
        switch outcome {
        case .classified(.needsMore): return .needMore
        case .classified(.hello(let hello)):
            client.protocols = hello.applicationProtocols
            return decision(client, routes.answer(to: hello, from: source), hello.serverName)
        case .classified(.notClassifiable(let reason)):
            if reason == .tooLarge { counters.increment(.clientHelloTooLarge) }
            return decision(client, routes.answer(to: reason, from: source), nil)
        case .silent: return decision(client, routes.answerToSilence(from: source), nil)
        case .withoutPreface:
            counters.increment(.proxyHeaderRejected)
            return .reject(RejectAction(routes.rejection.withoutTLS))
        case .timedOut, .ended:
            if case .timedOut = outcome { counters.increment(.clientHelloTimedOut) }
            return decision(client, routes.answerToLateness, nil)
        }
    }

    private func decision(
        _ client: RelayedClient, _ answer: RouteDestination, _ name: ServerName?
    ) -> RelayDecision {
        var answer = answer
        if case .cluster(let index) = answer { answer = routes.destination(of: index) }
        switch answer {
        case .cluster(let index):
            return .relay(plan(client, index, reason(for: client.tuple), name))
        case .reject(let how):
            return .reject(RejectAction(how))
        }
    }

    private func reason(for tuple: FlowTuple) -> RelayReason {
        if let reason = reasons.withLock({ $0.removeValue(forKey: tuple) }) { return reason }
        if isLocal(tuple.source.address) { return .localClient }
        return datapath == nil ? .noBPF : .noRoute
    }

    private func isLocal(_ source: IPAddress) -> Bool {
        source.isLoopback || own.withLock { $0.contains(source) }
    }

    // The relay tells.

    func willActivate(_ tuple: FlowTuple) {
        do {
            try datapath?.adopt(tuple)
        } catch {
            logger.warning("cannot mark an adopted client", metadata: ["error": "\(error)"])
        }
    }

    /// One from elsewhere came past an interface where nothing was attached, and may go on past the
    /// same interface with everything attached.
    func didAccept(_ tuple: FlowTuple) -> Bool {
        guard datapath != nil, !isLocal(tuple.source.address) else { return false }
        willActivate(tuple)
        return true
    }

    func didFailToAdopt(_ tuple: FlowTuple, _ error: SocketError) {
        reasons.withLock { _ = $0.removeValue(forKey: tuple) }
        logger.warning(
            "cannot adopt a client", metadata: ["client": "\(tuple.source)", "error": "\(error)"])
    }

    func didOpen(_ connection: RelayedConnection) { show(connection) }

    func didUpdate(_ connection: RelayedConnection) {
        show(connection)
        if connection.upstream != nil, let target = target(of: connection) {
            routes.signals.connected(target)
        }
    }

    /// The place of its endpoint among all targets.
    private func target(of connection: RelayedConnection) -> Int? {
        guard let cluster = clusterIndex[connection.cluster] else { return nil }
        let targets = routes.clusters[cluster].targets
        return targets.indices.contains(Int(connection.endpoint))
            ? targets[Int(connection.endpoint)] : nil
    }

    func didFailToConnect(_ connection: RelayedConnection, _ error: SocketError) {
        if let failure = ConnectFailure(error), let target = target(of: connection) {
            routes.signals.connectFailed(target, failure)
        }
        logger.info("endpoint did not accept", metadata: ["error": "\(error)"])
    }

    func didClose(_ tuple: FlowTuple, _ connection: RelayedConnection?) {
        reasons.withLock { _ = $0.removeValue(forKey: tuple) }
        datapath?.removeRelayed(tuple)
        datapath?.closeAdopted(tuple, now: MonotonicClock.nanoseconds)
    }

    private func show(_ connection: RelayedConnection) {
        guard let datapath else { return }
        var row = RelayedRow(
            client: connection.tuple, reason: connection.reason,
            createdNanoseconds: connection.createdNanoseconds)
        row.upstream = connection.upstream
        row.lastSeenNanoseconds = connection.lastSeenNanoseconds
        row.upstreamBytes = connection.upstreamBytes
        row.downstreamBytes = connection.downstreamBytes
        row.listener = connection.listener
        row.cluster = connection.cluster
        row.endpoint = connection.endpoint
        row.serverName = connection.serverName.map { names.id(of: $0) } ?? 0
        datapath.setRelayed(row)
    }
}

extension RejectAction {
    fileprivate init(_ rejection: RejectPolicy) {
        switch rejection {
        case .alert: self = .alert
        // A socket answers for itself: what is left is to end it.
        case .reset, .drop: self = .reset
        case .close: self = .close
        }
    }
}
