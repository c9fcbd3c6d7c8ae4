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
    let routes: RoutingSnapshot
    private let names: ServerNameTable
    let counters: SplicerCounters
    /// Who may connect by a listening socket; nil: everyone.
    let gates: SourceGates?
    private let logger: Logger
    private let relay = Mutex<Relay?>(nil)
    /// Why adopted clients are classified by the relay.
    private let reasons = Mutex<[FlowTuple: RelayReason]>([:])
    private let own = Mutex<Set<IPAddress>>([])
    /// Places of clusters by their ids.
    private let clusterIndex: [UInt16: Int]

    init(
        datapath: KernelDatapath?, routes: RoutingSnapshot, names: ServerNameTable,
        counters: SplicerCounters, gates: SourceGates? = nil, logger: Logger
    ) {
        self.datapath = datapath
        self.routes = routes
        self.names = names
        self.counters = counters
        self.gates = gates
        self.logger = logger
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
                switch seat(listener, connection.tuple, index, isChosen: endpoint != nil) {
                case .seat(let seat):
                    relay.adopt(
                        connection,
                        plan: plan(seat, connection.tuple, index, reason, name, first: endpoint))
                case .full(let full):
                    relay.adoptAndReject(
                        connection,
                        refusal(listener, full, speaksTLS: connection.received.first == 22))
                }
            case .reject(let how): relay.adoptAndReject(connection, RejectAction(how))
            }
        case .classify(let reason):
            reasons.withLock { $0[connection.tuple] = reason }
            relay.adopt(connection, listener: listener)
        case .reject(let how):
            relay.adoptAndReject(connection, RejectAction(how))
        }
    }

    private func plan(
        _ seat: Seat, _ client: FlowTuple, _ cluster: Int, _ reason: RelayReason,
        _ name: ServerName?, first: Int? = nil
    ) -> RelayPlan {
        let state = routes.clusters[cluster]
        let targets = routes.targets
        let turns = RelayTurns(
            state.picker, ClientKey(source: client.source, serverName: name), first: first,
            loads: state.targets.map { routes.loads[$0] }, limits: routes.limits, seat: seat)
        var plan = RelayPlan(
            listener: seat.listener, cluster: state.id, reason: reason, serverName: name,
            connectTimeout: state.connectTimeout
        ) { _ in
            guard let endpoint = turns.next() else { return nil }
            return RelayCandidate(
                index: UInt16(endpoint), address: targets[state.targets[endpoint]].address)
        }
        plan.ownedBytes = state.proxyProtocol.header(of: client)
        return plan
    }

    // The relay asks.

    func decide(listener: UInt16, tuple: FlowTuple, outcome: HelloOutcome) -> RelayDecision {
        guard let routes = routes.listeners[listener] else { return .reject(.reset) }
        switch outcome {
        case .classified(.needsMore): return .needMore
        case .classified(.hello(let hello)):
            return decision(
                listener, tuple, routes.answer(to: hello, from: tuple.source.address),
                hello.serverName, speaksTLS: true)
        case .classified(.notClassifiable(let reason)):
            if reason == .tooLarge { counters.increment(.clientHelloTooLarge) }
            return decision(
                listener, tuple, routes.answer(to: reason, from: tuple.source.address), nil)
        case .timedOut, .ended:
            if case .timedOut = outcome { counters.increment(.clientHelloTimedOut) }
            return decision(listener, tuple, routes.answerToLateness, nil)
        }
    }

    private func decision(
        _ listener: UInt16, _ tuple: FlowTuple, _ answer: RouteDestination, _ name: ServerName?,
        speaksTLS: Bool = false
    ) -> RelayDecision {
        var answer = answer
        if case .cluster(let index) = answer { answer = routes.destination(of: index) }
        switch answer {
        case .cluster(let index):
            switch seat(listener, tuple, index) {
            case .seat(let seat):
                return .relay(plan(seat, tuple, index, reason(for: tuple), name))
            case .full(let full):
                return .reject(refusal(listener, full, speaksTLS: speaksTLS))
            }
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
    init(_ rejection: RejectPolicy) {
        switch rejection {
        case .alert: self = .alert
        // A socket answers for itself: what is left is to end it.
        case .reset, .drop: self = .reset
        case .close: self = .close
        }
    }
}
