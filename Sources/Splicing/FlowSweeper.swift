// SPDX-License-Identifier: Apache-2.0

internal import Balancing
public import ConnectionLogging
public import Datapath
internal import HealthChecking
public import KernelSockets
public import Logging
internal import Synchronization
public import WireTypes

/// A thread that walks the whole flow table now and then: idle flows, and flows whose end nobody
/// heard of because its record was lost or the daemon was away.
public final class FlowSweeper: Sendable {
    /// What the sweeper goes by.
    public struct Limits: Sendable {
        /// How long nothing may pass in either direction.
        public var idle: Duration
        /// Whether both ends are asked before an idle flow is ended.
        public var probesIdle = true
        /// Whether packets without new data keep a flow that is not probed.
        public var countsKeepalives = false
        /// How long a flow may live; nil: as long as it likes.
        public var lifetime: Duration?
        /// How long after its last packet a closed or connecting flow is taken for forgotten.
        public var forgotten = Duration.seconds(15)
        /// Time between two walks.
        public var interval = Duration.seconds(5)

        /// Ends flows that were idle for `idle`.
        public init(idle: Duration) { self.idle = idle }
    }

    private let datapath: KernelDatapath
    private let rules: Mutex<Rules>
    private let workers: [SpliceWorker]
    private let names: ServerNameTable
    private let fallback: any SpliceFallback
    private let counters: SplicerCounters
    private let promises: ListenerPromises
    private let logger: Logger
    /// Where clients are logged that never said a word; nil: workers log nothing either.
    private let log: ConnectionLane?
    private let repair: FlowRepair
    private let down = DownOrders()
    private let thread: BelledThread

    private struct Rules {
        var routes: RoutingSnapshot
        var limits: Limits
        /// How many configurations there were.
        var version = 0
    }

    /// Prepares the sweeper.
    public init(
        datapath: KernelDatapath, routes: RoutingSnapshot, limits: Limits,
        workers: [SpliceWorker], names: ServerNameTable, fallback: any SpliceFallback,
        counters: SplicerCounters, promises: ListenerPromises, logger: Logger,
        log: ConnectionLane? = nil
    ) throws(SocketError) {
        self.log = log
        thread = try BelledThread()
        self.datapath = datapath
        rules = Mutex(Rules(routes: routes, limits: limits))
        self.workers = workers
        self.names = names
        self.fallback = fallback
        self.counters = counters
        self.promises = promises
        self.logger = logger
        repair = FlowRepair(datapath, counters, logger)
    }

    /// Takes a report of the datapath that is no worker's own affair. Any thread.
    func note(_ event: FlowRecord) { repair.note(event) }

    /// Ends the standing flows of an endpoint of a cluster, whose id in the name table that is, with
    /// RSTs to both ends, at most so many flows a second. Any thread.
    public func end(flowsTo endpoint: TransportAddress, of cluster: UInt16, perSecond: Int) {
        down.add(DownedEndpoint(address: endpoint, cluster: cluster), perSecond: perSecond)
        thread.wake()
    }

    /// Lets those go on that are not ended yet: the endpoint is back. Any thread.
    public func spare(flowsTo endpoint: TransportAddress, of cluster: UInt16) {
        down.cancel(DownedEndpoint(address: endpoint, cluster: cluster))
        thread.wake()
    }

    /// Goes by another configuration from now on. Any thread.
    public func use(_ routes: RoutingSnapshot, _ limits: Limits) {
        rules.withLock { $0 = Rules(routes: routes, limits: limits, version: $0.version + 1) }
        thread.wake()
    }

    private var routes: RoutingSnapshot { rules.withLock { $0.routes } }
    private var limits: Limits { rules.withLock { $0.limits } }

    /// Starts the thread.
    public func start() throws(SocketError) {
        try thread.start(name: "sweep") { [self] in run() }
    }

    /// Ends the thread and waits for it.
    public func stop() { thread.stop() }

    private func run() {
        let priority = KernelDatapath.socketPriority
        guard let raw = try? RawSocket(priority: priority), let epoll = try? Epoll(),
            (try? epoll.add(thread.bell, token: 0)) != nil
        else { return }
        var events = [Epoll.Event(), Epoll.Event()]
        var quiet = QuietFlows()
        var downed = DownedFlows()
        var silent = SilentFlows(routes)
        var version = 0
        var nextWalk = MonotonicClock.nanoseconds
        while !thread.isStopping {
            let now = MonotonicClock.nanoseconds
            let rules = rules.withLock { $0 }
            if rules.version != version {
                version = rules.version
                silent = SilentFlows(rules.routes)
            }
            if now >= nextWalk {
                nextWalk = now + rules.limits.interval.nanoseconds
                walk(raw, &quiet, now: now)
                endSilentClients(raw, now: now)
                askHalfOpenClients(raw, now: now)
            }
            repair.work(raw, now: now) { stray in
                guard log != nil else { return }
                let owner = PortPool.owner(of: stray.destination.port, workers: workers.count)
                workers[owner].post(.vanished(stray.reversed))
            }
            silent.look(at: datapath, now: now)
            endDowned(&downed, raw, now: now)
            keepPromises()
            counters.publish(to: datapath)
            // Of silence one wants to know soon.
            let usual: Duration = .milliseconds(rules.routes.signals.watchesFlows ? 100 : 200)
            let pause = downed.isEmpty ? usual : .milliseconds(10)
            if let ready = try? epoll.wait(&events, timeout: pause), ready > 0 {
                thread.bell.clear()
            }
        }
        counters.publish(to: datapath)
    }

    private func keepPromises() {
        do {
            guard try promises.follow() else { return }
            logger.notice("an endpoint takes less than clients were promised: promising less")
        } catch {
            logger.warning("cannot change a listener's promise", metadata: ["error": "\(error)"])
        }
    }

    /// What one walk found to do; done after it, since looking up rows in a walk moves it.
    private struct Findings {
        var usedNames: Set<UInt32> = []
        var over: [SpliceRow] = []
        var silent: [SpliceRow] = []
        var aged: [SpliceRow] = []
        /// Keys of rows that fell silent: whether the other direction is still there.
        var unsure: [FlowTuple] = []
    }

    private func walk(_ raw: borrowing RawSocket, _ quiet: inout QuietFlows, now: UInt64) {
        var found = Findings()
        do {
            try datapath.forEachRow { row in look(at: row, &found, quiet, now: now) }
        } catch {
            logger.warning("cannot walk the flow table", metadata: ["error": "\(error)"])
            return
        }
        names.sweep(used: found.usedNames.union(datapath.relayedServerNames()))
        forgetAdopted(now: now)
        for row in found.over { endFound(row) }
        for key in found.unsure { repair.restore(beside: key) }
        for row in found.aged { endByReset(row, .lifetimeEnded, raw) }
        quiet.keep(Set(found.silent.map(\.client)))
        for row in found.silent { judge(row, &quiet, raw, now: now) }
    }

    private func look(
        at row: SpliceRow, _ found: inout Findings, _ quiet: QuietFlows, now: UInt64
    ) {
        let silence = now > row.lastSeenNanoseconds ? now - row.lastSeenNanoseconds : 0
        let isLive = row.state == .established || row.state == .closing
        let interval = limits.interval.nanoseconds
        if isLive, silence > interval, silence <= 3 * interval {
            found.unsure.append(row.isUpstream ? row.client : row.upstream.reversed)
        }
        guard row.isUpstream else {
            // By now the other direction would have told of it: it is gone.
            if !isLive, silence > 2 * limits.forgotten.nanoseconds { found.over.append(row) }
            return
        }
        found.usedNames.insert(row.serverName)
        if !isLive {
            if silence > limits.forgotten.nanoseconds { found.over.append(row) }
        } else if let lifetime = limits.lifetime,
            now > row.createdNanoseconds + lifetime.nanoseconds
        {
            found.aged.append(row)
        } else if quiet.isAsking(row)
            || now > lastSign(row) && now - lastSign(row) > limits.idle.nanoseconds
        {
            found.silent.append(row)
        }
    }

    /// The last packet that counts against idleness.
    private func lastSign(_ row: SpliceRow) -> UInt64 {
        limits.probesIdle || limits.countsKeepalives
            ? row.lastSeenNanoseconds : row.lastDataNanoseconds
    }

    /// A closed socket lives on in the kernel, FIN_WAIT and TIME_WAIT, for two minutes at most.
    private func forgetAdopted(now: UInt64) {
        let longest: UInt64 = 125_000_000_000
        if now > longest { datapath.forgetAdopted(closedBefore: now - longest) }
    }

    /// One that was over when it was found.
    private func endFound(_ row: SpliceRow) {
        if log != nil, row.state != .connecting {
            let peer =
                row.isUpstream
                ? datapath.downstreamRow(of: row.upstream) : datapath.upstreamRow(of: row.client)
            let mate = peer?.createdNanoseconds == row.createdNanoseconds ? peer : nil
            let end = ConnectionEnd(row, mate)
            report(SpliceEnd(end: end, row: row, peer: mate, isGuess: true))
        }
        end(row)
    }

    private func report(_ end: SpliceEnd) {
        workers[end.row.owner(among: workers.count)].post(.logged(end))
    }

    private func end(_ row: SpliceRow) {
        workers[row.owner(among: workers.count)].post(
            .ended(
                client: row.client, upstream: row.upstream,
                createdNanoseconds: row.createdNanoseconds))
    }

    /// A silent flow: the other direction may have carried on.
    private func judge(
        _ row: SpliceRow, _ quiet: inout QuietFlows, _ raw: borrowing RawSocket, now: UInt64
    ) {
        let peer = datapath.downstreamRow(of: row.upstream)
        guard let peer, limits.probesIdle else {
            let lastSign = max(lastSign(row), peer.map(lastSign) ?? 0)
            guard now > lastSign, now - lastSign > limits.idle.nanoseconds else { return }
            return endByReset(row, .idleEnded, raw)
        }
        let lastSeen = min(row.lastSeenNanoseconds, peer.lastSeenNanoseconds)
        let lastData = max(row.lastDataNanoseconds, peer.lastDataNanoseconds)
        switch quiet.judge(row, lastSeen: lastSeen, lastData: lastData, now: now) {
        case .wait: break
        case .ask:
            counters.increment(.idleProbed)
            raw.send(Segment(probing: row, peer: peer))
            raw.send(Segment(probing: peer, peer: row))
        case .end: endByReset(row, .idleEnded, raw)
        }
    }

    private func endByReset(
        _ row: SpliceRow, _ cause: DaemonCounter, _ raw: borrowing RawSocket
    ) {
        let peer = datapath.downstreamRow(of: row.upstream)
        datapath.remove(
            client: row.client, upstream: row.upstream, createdNanoseconds: row.createdNanoseconds)
        raw.send(Segment(resetting: row))
        if let peer { raw.send(Segment(resetting: peer)) }
        counters.increment(cause)
        if log != nil {
            report(SpliceEnd(end: ConnectionEnd(cause), row: row, peer: peer))
        }
        // Thousands may end with their endpoint: one line tells of them all.
        logger.log(
            level: cause == .downEnded ? .debug : .info, "flow ended",
            metadata: [
                "reason":
                    cause == .idleEnded
                    ? "idle" : cause == .downEnded ? "endpoint down" : "lifetime",
                "client": "\(row.client.source)", "endpoint": "\(row.upstream.destination)",
            ])
        end(row)
    }

    /// Ends flows of endpoints that went down, as fast as was ordered.
    private func endDowned(
        _ downed: inout DownedFlows, _ raw: borrowing RawSocket, now: UInt64
    ) {
        let orders = down.take()
        downed.follow(orders, now: now)
        if !orders.added.isEmpty {
            do {
                try datapath.forEachRow { downed.look(at: $0) }
            } catch {
                logger.warning("cannot walk the flow table", metadata: ["error": "\(error)"])
            }
            downed.didLook()
        }
        for row in downed.next(now: now) {
            // What was found a while ago may be over by now.
            guard let still = datapath.upstreamRow(of: row.client),
                still.createdNanoseconds == row.createdNanoseconds
            else { continue }
            endByReset(still, .downEnded, raw)
        }
        for (endpoint, count) in downed.takeFinished() where count > 0 {
            logger.notice(
                "flows of an endpoint that is down were reset",
                metadata: ["endpoint": "\(endpoint.address)", "flows": "\(count)"])
        }
    }

    /// Whoever waits for its endpoint to speak does not repeat the ACK of our SYN-ACK if that was
    /// lost, so it is asked for: by a keepalive, which a client that has not seen the SYN-ACK ignores.
    private func askHalfOpenClients(_ raw: borrowing RawSocket, now: UInt64) {
        let wanted = routes.listeners.values.filter(\.servesSilentClients).map(\.id)
        guard !wanted.isEmpty, now > 60_000_000_000 else { return }
        let begun = now - 60_000_000_000..<now - 1_000_000_000
        let clients = datapath.halfOpenClients(of: Set(wanted), begun: begun, atMost: 4096)
        for (client, note) in clients {
            var segment = Segment(
                tuple: client.reversed, sequence: note.cookie, flags: .acknowledge)
            segment.acknowledgement = note.clientISN &+ 1
            segment.window = 0xffff
            if note.hasTimestamps { segment.timestamp = note.timestamp }
            raw.send(segment)
        }
    }

    /// Clients that completed the handshake and never said a word.
    private func endSilentClients(_ raw: borrowing RawSocket, now: UInt64) {
        let shortest = routes.listeners.values.map(\.helloTimeout).min() ?? .seconds(10)
        guard now > shortest.nanoseconds else { return }
        for (client, note) in datapath.silentClients(since: now - shortest.nanoseconds) {
            guard let listener = routes.listeners[note.listener],
                note.createdNanoseconds + listener.helloTimeout.nanoseconds <= now
            else { continue }
            datapath.forgetHandshake(of: client)
            counters.increment(.clientHelloTimedOut)
            let owesHeader = listener.expectsPreface(from: client.source.address)
            let answer: RouteDestination =
                owesHeader
                ? .reject(listener.rejection.withoutTLS) : listener.answerToLateness
            switch answer {
            case .cluster(let index):
                counters.increment(.relayed)
                if log != nil { fallback.note(note.facts("default"), of: client) }
                fallback.take(
                    note.adopted(client, now: now), listener: note.listener,
                    .relay(cluster: routes.clusters[index].id, target: nil, .defaultRoute, nil))
            case .reject(.drop): break
            case .reject:
                raw.send(
                    Segment(tuple: client.reversed, sequence: note.cookie &+ 1, flags: .reset))
            }
            if case .reject = answer {
                counters.increment(.rejected)
                logSilent(client, note, owesHeader, now: now)
            }
        }
    }

    private func logSilent(
        _ client: FlowTuple, _ note: HandshakeNote, _ owesHeader: Bool, now: UInt64
    ) {
        guard let log else { return }
        var record = ConnectionRecord(
            client: client, listener: note.listener, mode: .rejected, end: .rejected, ended: now)
        record.facts = note.facts(nil)
        record.facts.rejection = owesHeader ? .proxyHeader : .helloTimeout
        log.append(record)
    }
}

extension HandshakeNote {
    /// Of a client that has said nothing.
    fileprivate func facts(_ rule: String?) -> ConnectionFacts {
        var facts = ConnectionFacts()
        facts.began = createdNanoseconds
        facts.rule = rule.map(RuleText.init)
        return facts
    }
}

extension ConnectionEnd {
    /// What the sweeper counts a flow as that it ends.
    fileprivate init(_ cause: DaemonCounter) {
        self =
            switch cause {
            case .idleEnded: .idle
            case .lifetimeEnded: .lifetime
            case .downEnded: .endpointDown
            default: .unknown
            }
    }
}
