// SPDX-License-Identifier: Apache-2.0

import Balancing
import ConnectionLogging
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
    private let current: Mutex<RoutingSnapshot>
    private let names: ServerNameTable
    let counters: SplicerCounters
    /// Who may connect by a listening socket; nil: everyone.
    let gates: Mutex<SourceGates?>
    private let logger: Logger
    /// Of the identities that endpoints are told.
    private let key: (UInt64, UInt64)
    private let relay = Mutex<Relay?>(nil)
    /// Why adopted clients are classified by the relay.
    private let reasons = Mutex<[FlowTuple: RelayReason]>([:])
    private let own = Mutex<Set<IPAddress>>([])
    /// nil: nobody is adopted.
    private let raw: RawSocket?
    /// nil: connections are not logged.
    let clients: RelayedClients?

    init(
        datapath: KernelDatapath?, routes: RoutingSnapshot, names: ServerNameTable,
        counters: SplicerCounters, gates: SourceGates? = nil, logger: Logger,
        log: ConnectionLane? = nil
    ) {
        clients = log.map(RelayedClients.init)
        self.datapath = datapath
        raw = datapath == nil ? nil : try? RawSocket(priority: KernelDatapath.socketPriority)
        current = Mutex(routes)
        self.names = names
        self.counters = counters
        self.gates = Mutex(gates)
        self.logger = logger
        key =
            (try? datapath?.initialSequenceSecret())
            ?? (.random(in: 0 ... .max), .random(in: 0 ... .max))
        lookAtHostAddresses()
    }

    /// The host's addresses are others than before.
    func lookAtHostAddresses() {
        let addresses = Set(NetworkInterface.hostAddresses)
        own.withLock { $0 = addresses }
    }

    /// Another configuration is in force.
    func use(_ routes: RoutingSnapshot, _ gates: SourceGates?) {
        self.gates.withLock { $0 = gates }
        current.withLock { $0 = routes }
        clients?.forgetRules()
    }

    /// The same configuration, with more targets.
    func use(_ routes: RoutingSnapshot) { current.withLock { $0 = routes } }

    var routes: RoutingSnapshot { current.withLock { $0 } }

    /// The relay is made with this bridge, so it comes after it.
    func use(_ relay: Relay) { self.relay.withLock { $0 = relay } }

    // Splicers hand over.

    func note(_ facts: ConnectionFacts, of client: FlowTuple) { clients?.note(facts, of: client) }

    func take(_ connection: AdoptedConnection, listener: UInt16, _ what: HandOver) {
        guard let relay = relay.withLock({ $0 }) else { return }
        clients?.note(listener: listener, of: connection.tuple)
        switch what {
        case .relay(let cluster, let target, let reason, let name):
            let routes = routes
            // Who said nothing has taken no turn of its source.
            if reason == .defaultRoute, !admits(listener: listener, tuple: connection.tuple) {
                clients?.noteRejection(.full, of: connection.tuple)
                return relay.adoptAndReject(connection, .reset)
            }
            // It may be configured no more since the splicer chose it.
            guard let place = routes.place(ofCluster: cluster) else {
                clients?.noteRejection(.noEndpoint, of: connection.tuple)
                counters.increment(.rejected)
                return relay.adoptAndReject(connection, .reset)
            }
            // An endpoint that was picked already is tried whatever happened since.
            let first = target.flatMap { routes.clusters[place].targets.firstIndex(of: $0) }
            let destination = first == nil ? routes.destination(of: place) : .cluster(place)
            switch destination {
            case .cluster(let place):
                let seat = Seat(
                    listener: listener, cluster: place, source: connection.tuple.source.address)
                let client = RelayedClient(
                    tuple: connection.tuple, named: connection.named ?? connection.tuple,
                    hello: connection.received)
                switch self.seat(seat, in: routes, isChosen: first != nil) {
                case .seated(let places):
                    relay.adopt(
                        connection,
                        plan: plan(routes, seat, places, client, reason, name, first: first))
                case .full(let full):
                    clients?.noteRejection(.full, of: connection.tuple)
                    counters.increment(.rejected)
                    let speaksTLS = connection.received.first == 22
                    relay.adoptAndReject(
                        connection, refusal(seat, full, in: routes, speaksTLS: speaksTLS))
                }
            case .reject(let how):
                clients?.noteRejection(.noEndpoint, of: connection.tuple)
                counters.increment(.rejected)
                relay.adoptAndReject(connection, RejectAction(how))
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
        var tuple: FlowTuple
        /// Whom a PROXY header named; the client itself without one.
        var named: FlowTuple
        /// As far as it is known.
        var hello: [UInt8] = []
        var protocols = ApplicationProtocols()
    }

    private func plan(
        _ routes: RoutingSnapshot, _ seat: Seat, _ places: TakenPlaces?, _ client: RelayedClient,
        _ reason: RelayReason, _ name: ServerName?, first: Int? = nil
    ) -> RelayPlan {
        let cluster = seat.cluster ?? 0
        let state = routes.clusters[cluster]
        let targets = routes.targets
        let turns = RelayTurns(
            state.picker, ClientKey(source: client.named.source, serverName: name), first: first,
            loads: state.targets.map { routes.loads[$0] },
            caps: routes.limits?.parts.endpoints[cluster] ?? [], places: places)
        var plan = RelayPlan(
            listener: seat.listener, cluster: state.id, reason: reason, serverName: name,
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
        guard let answers = routes.listeners[listener] else { return manner }
        manner.expectsPreface = answers.expectsPreface(from: source)
        manner.patience = answers.isSniffed ? answers.serverFirstAfter : .zero
        manner.helloTimeout = answers.helloTimeout
        manner.helloSize = answers.helloLimit
        return manner
    }

    func decide(
        listener: UInt16, tuple: FlowTuple, named: FlowTuple, outcome: HelloOutcome
    ) -> RelayDecision {
        let decision = judge(listener: listener, tuple: tuple, named: named, outcome: outcome)
        if case .reject = decision { counters.increment(.rejected) }
        return decision
    }

    private func judge(
        listener: UInt16, tuple: FlowTuple, named: FlowTuple, outcome: HelloOutcome
    ) -> RelayDecision {
        let routes = routes
        guard let answers = routes.listeners[listener] else { return .reject(.reset) }
        var client = RelayedClient(tuple: tuple, named: named)
        let source = named.source.address
        clients?.note(outcome, of: tuple, from: source, listener: listener, in: routes)
        func decision(
            _ answer: RouteDestination, _ name: ServerName? = nil, speaksTLS: Bool = false
        ) -> RelayDecision {
            self.decision(routes, listener, client, answer, name, speaksTLS: speaksTLS)
        }
        switch outcome {
        case .classified(.needsMore): return .needMore
        case .classified(.hello(let hello)):
            client.protocols = hello.applicationProtocols
            return decision(
                answers.answer(to: hello, from: source), hello.serverName, speaksTLS: true)
        case .classified(.notClassifiable(let reason)):
            if reason == .tooLarge { counters.increment(.clientHelloTooLarge) }
            return decision(answers.answer(to: reason, from: source))
        case .silent: return decision(answers.answerToSilence(from: source))
        case .withoutPreface:
            counters.increment(.proxyHeaderRejected)
            return .reject(RejectAction(answers.rejection.withoutTLS))
        case .timedOut, .ended:
            if case .timedOut = outcome { counters.increment(.clientHelloTimedOut) }
            // A part of a header that is owed is not for an endpoint.
            if answers.expectsPreface(from: tuple.source.address), named == tuple {
                return .reject(RejectAction(answers.rejection.withoutTLS))
            }
            return decision(answers.answerToLateness)
        }
    }

    private func decision(
        _ routes: RoutingSnapshot, _ listener: UInt16, _ client: RelayedClient,
        _ answer: RouteDestination, _ name: ServerName?, speaksTLS: Bool
    ) -> RelayDecision {
        var answer = answer
        if case .cluster(let index) = answer {
            answer = routes.destination(of: index)
            if case .reject = answer { clients?.noteRejection(.noEndpoint, of: client.tuple) }
        }
        switch answer {
        case .cluster(let index):
            let seat = Seat(
                listener: listener, cluster: index, source: client.tuple.source.address)
            switch self.seat(seat, in: routes) {
            case .seated(let places):
                return .relay(
                    plan(routes, seat, places, client, reason(for: client.tuple), name))
            case .full(let full):
                clients?.noteRejection(.full, of: client.tuple)
                return .reject(refusal(seat, full, in: routes, speaksTLS: speaksTLS))
            }
        case .reject(let how):
            return .reject(RejectAction(how))
        }
    }

    private func reason(for tuple: FlowTuple) -> RelayReason {
        if let reason = reasons.withLock({ $0.removeValue(forKey: tuple) }) { return reason }
        if isOfThisHost(tuple.source.address) { return .localClient }
        return datapath == nil ? .noBPF : .noRoute
    }

    func isOfThisHost(_ address: IPAddress) -> Bool {
        address.isLoopback || own.withLock { $0.contains(address) }
    }

    // The relay tells.

    func willActivate(_ tuple: FlowTuple) throws {
        try datapath?.adopt(tuple, now: MonotonicClock.nanoseconds)
    }

    /// One from elsewhere came past an interface where nothing was attached, and may go on past the
    /// same interface with everything attached.
    func didAccept(_ tuple: FlowTuple) -> Bool {
        guard datapath != nil, !isOfThisHost(tuple.source.address) else { return false }
        do {
            try willActivate(tuple)
            return true
        } catch {
            logger.warning("cannot mark an accepted client", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// The client is reset: else it would repeat its hello for minutes.
    func didFailToAdopt(_ client: AdoptedConnection, _ error: any Error) {
        let tuple = client.tuple
        reasons.withLock { _ = $0.removeValue(forKey: tuple) }
        clients?.logFailure(of: tuple)
        logger.warning(
            "cannot adopt a client: it is reset",
            metadata: ["client": "\(tuple.source)", "error": "\(error)"])
        raw?.send(Segment(tuple: tuple.reversed, sequence: client.ourNext, flags: .reset))
    }

    func didOpen(_ connection: RelayedConnection) { show(connection) }

    func didUpdate(_ connection: RelayedConnection) {
        show(connection)
        let routes = routes
        if connection.upstream != nil, let target = routes.target(of: connection) {
            routes.signals.connected(target)
        }
    }

    func didFailToConnect(_ connection: RelayedConnection, _ error: SocketError) {
        let routes = routes
        if let failure = ConnectFailure(error), let target = routes.target(of: connection) {
            routes.signals.connectFailed(target, failure)
        }
        logger.info("endpoint did not accept", metadata: ["error": "\(error)"])
    }

    var wantsEnds: Bool { clients != nil }

    func didEnd(_ end: RelayEnd) { clients?.log(end) }

    func didClose(_ tuple: FlowTuple, _ connection: RelayedConnection?) {
        // Nobody told of an end: there was no socket.
        clients?.logFailure(of: tuple)
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

extension RoutingSnapshot {
    /// The place of its endpoint among all targets. Right after the configuration changed it may be
    /// another endpoint's, which does no harm: it is then told of one connect too many.
    fileprivate func target(of connection: RelayedConnection) -> Int? {
        guard let place = place(ofCluster: connection.cluster) else { return nil }
        let targets = clusters[place].targets
        return targets.indices.contains(Int(connection.endpoint))
            ? targets[Int(connection.endpoint)] : nil
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
