// SPDX-License-Identifier: Apache-2.0

public import Datapath
public import KernelSockets
public import Logging
internal import Synchronization
internal import WireTypes

/// A thread that walks the whole flow table now and then: idle flows, and flows whose end nobody
/// heard of because its record was lost or the daemon was away.
public final class FlowSweeper: Sendable {
    /// What the sweeper goes by.
    public struct Limits: Sendable {
        /// How long nothing may pass in either direction.
        public var idle: Duration
        /// How long after its last packet a closed or connecting flow is taken for forgotten.
        public var forgotten = Duration.seconds(15)
        /// Time between two walks.
        public var interval = Duration.seconds(5)

        /// Ends flows that were idle for `idle`.
        public init(idle: Duration) { self.idle = idle }
    }

    private let datapath: KernelDatapath
    private let routes: RoutingSnapshot
    private let limits: Limits
    private let workers: [SpliceWorker]
    private let names: ServerNameTable
    private let fallback: any SpliceFallback
    private let counters: SplicerCounters
    private let logger: Logger
    private let isStopping = Atomic<Bool>(false)
    private let thread = Mutex<KernelThread?>(nil)

    /// Prepares the sweeper.
    public init(
        datapath: KernelDatapath, routes: RoutingSnapshot, limits: Limits,
        workers: [SpliceWorker], names: ServerNameTable, fallback: any SpliceFallback,
        counters: SplicerCounters, logger: Logger
    ) {
        self.datapath = datapath
        self.routes = routes
        self.limits = limits
        self.workers = workers
        self.names = names
        self.fallback = fallback
        self.counters = counters
        self.logger = logger
    }

    /// Starts the thread.
    public func start() throws(SocketError) {
        var running: KernelThread? = try KernelThread(name: "sweep") { [self] in run() }
        thread.withLock { $0 = running.take() }
    }

    /// Ends the thread and waits for it.
    public func stop() {
        isStopping.store(true, ordering: .relaxed)
        guard let running = thread.withLock({ $0.take() }) else { return }
        running.join()
    }

    private func run() {
        guard let raw = try? RawSocket(), let epoll = try? Epoll() else { return }
        var events = [Epoll.Event(), Epoll.Event()]
        var nextWalk = MonotonicClock.nanoseconds
        while !isStopping.load(ordering: .relaxed) {
            let now = MonotonicClock.nanoseconds
            if now >= nextWalk {
                nextWalk = now + limits.interval.wholeNanoseconds
                walk(raw, now: now)
                endSilentClients(raw, now: now)
            }
            // Nothing is watched: this is a sleep that notices a stop within 200 ms.
            _ = try? epoll.wait(&events, timeout: .milliseconds(200))
        }
    }

    private func walk(_ raw: borrowing RawSocket, now: UInt64) {
        var usedNames: Set<UInt32> = []
        var over: [SpliceRow] = []
        var quiet: [SpliceRow] = []
        do {
            try datapath.forEachRow { row in
                guard row.isUpstream else { return }
                usedNames.insert(row.serverName)
                let silence = now > row.lastSeenNanoseconds ? now - row.lastSeenNanoseconds : 0
                let isLive = row.state == .established || row.state == .closing
                if !isLive, silence > limits.forgotten.wholeNanoseconds {
                    over.append(row)
                } else if silence > limits.idle.wholeNanoseconds {
                    quiet.append(row)
                }
            }
        } catch {
            logger.warning("cannot walk the flow table", metadata: ["error": "\(error)"])
            return
        }
        names.sweep(used: usedNames.union(datapath.relayedServerNames()))
        forgetAdopted(now: now)
        for row in over { end(row) }
        for row in quiet { endIfIdle(row, raw, now: now) }
    }

    /// A closed socket lives on in the kernel, FIN_WAIT and TIME_WAIT, for two minutes at most.
    private func forgetAdopted(now: UInt64) {
        let longest: UInt64 = 125_000_000_000
        if now > longest { datapath.forgetAdopted(closedBefore: now - longest) }
    }

    private func end(_ row: SpliceRow) {
        let owner = PortPool.owner(of: row.upstream.source.port, workers: workers.count)
        workers[owner].post(
            .ended(
                client: row.client, upstream: row.upstream,
                createdNanoseconds: row.createdNanoseconds))
    }

    /// Both ends of an idle flow get an RST that they accept: what each acknowledged last.
    private func endIfIdle(_ row: SpliceRow, _ raw: borrowing RawSocket, now: UInt64) {
        let peer = datapath.downstreamRow(of: row.upstream)
        let lastSeen = max(row.lastSeenNanoseconds, peer?.lastSeenNanoseconds ?? 0)
        guard now > lastSeen, now - lastSeen > limits.idle.wholeNanoseconds else { return }
        // First the flows: the egress guard holds back what the host says for a live one.
        datapath.remove(
            client: row.client, upstream: row.upstream, createdNanoseconds: row.createdNanoseconds)
        send(
            Segment(tuple: row.client.reversed, sequence: row.lastAcknowledgement, flags: .reset),
            raw)
        if let peer {
            send(
                Segment(tuple: row.upstream, sequence: peer.lastAcknowledgement, flags: .reset), raw
            )
        }
        end(row)
    }

    private func send(_ segment: Segment, _ raw: borrowing RawSocket) {
        var packet: [UInt8] = []
        segment.write(into: &packet)
        try? raw.send(packet.span, to: segment.tuple.destination.address)
    }

    /// Clients that completed the handshake and never said a word.
    private func endSilentClients(_ raw: borrowing RawSocket, now: UInt64) {
        let shortest = routes.listeners.values.map(\.helloTimeout).min() ?? .seconds(10)
        guard now > shortest.wholeNanoseconds else { return }
        for (client, note) in datapath.silentClients(since: now - shortest.wholeNanoseconds) {
            guard let listener = routes.listeners[note.listener],
                note.createdNanoseconds + listener.helloTimeout.wholeNanoseconds <= now
            else { continue }
            datapath.forgetHandshake(of: client)
            counters.helloTimedOut.increment()
            if case .cluster(let index) = listener.answerToLateness {
                counters.relayed.increment()
                fallback.take(
                    note.adopted(client, now: now), listener: note.listener,
                    .relay(cluster: index, .defaultRoute, nil))
                continue
            }
            send(
                Segment(tuple: client.reversed, sequence: note.cookie &+ 1, flags: .reset), raw)
        }
    }
}
