// SPDX-License-Identifier: Apache-2.0

internal import Balancing
public import ConnectionLogging
internal import CrashPoints
public import Datapath
internal import KernelSockets
internal import TLSClassifier
public import WireTypes

/// One worker's connections from hello to splice. No I/O but through its kernel, no clock: every
/// event comes with the time, CLOCK_MONOTONIC nanoseconds.
public struct Splicer<Kernel: SplicingKernel & ~Copyable>: ~Copyable {
    var kernel: Kernel
    var routes: RoutingSnapshot
    var settings: SplicerSettings
    let fallback: any SpliceFallback
    let admission: FlowAdmission
    let counters: SplicerCounters
    var names: ServerNameCache
    let sequence: InitialSequence

    var pending: [FlowTuple: PendingClient] = [:]
    var spare: [PendingClient] = []
    /// Clients still reading, by listener: each has its own time limit.
    var readers: [UInt16: ReaderQueue] = [:]
    /// Those of them that may wait for their endpoint to speak.
    var silent: [UInt16: ReaderQueue] = [:]
    /// Whether some listener has such clients.
    var servesSilentClients: Bool
    var reading = 0
    /// Clients whose bytes may still lie in the ring.
    var departed = DepartedClients()
    /// Clients that have late segments.
    var lateClients = 0
    /// Clients of this round whose hello is whole; their endpoints are asked at its end.
    var classified: [PendingClient] = []
    /// Splices of this round, not flushed yet.
    var round: [FlowTuple] = []
    var roundNumber: UInt64 = 1
    var pools: [PortPool]
    var targetIndex: [TransportAddress: Int]
    /// Where splices count; empty unless something is bounded.
    var seats: [SeatKey: TakenPlaces] = [:]
    var closed = LingerQueue()
    var reset = LingerQueue()
    /// Those whose time has come; empty between ticks.
    var lingered: [LingeredSplice] = []
    /// Where connections are logged; nil: nowhere.
    let log: ConnectionLane?
    /// What the log will say of splices that stand; empty without one.
    var notes: [SeatKey: SpliceNote] = [:]
    var ruleTexts = RuleTexts()
    /// Whose clients the datapath takes to endpoints by itself.
    var known = KnownRoutes()
    /// Ports that belong to other workers.
    public var foreignPorts: [(port: TransportAddress, target: Int)] = []

    /// A splicer with all ports free.
    public init(
        kernel: consuming Kernel, routes: RoutingSnapshot, settings: SplicerSettings,
        fallback: any SpliceFallback, admission: FlowAdmission, counters: SplicerCounters,
        names: ServerNameTable, log: ConnectionLane? = nil
    ) {
        self.log = log
        self.kernel = kernel
        self.routes = routes
        self.settings = settings
        self.fallback = fallback
        self.admission = admission
        self.counters = counters
        self.names = ServerNameCache(names)
        sequence = InitialSequence(key: settings.sequenceKey)
        pools = routes.targets.indices.map { settings.pool(for: $0, of: routes) }
        servesSilentClients = routes.listeners.values.contains { $0.servesSilentClients }
        targetIndex = [:]
        for (index, target) in routes.targets.enumerated() { targetIndex[target.address] = index }
    }

    /// Clients between hello and splice.
    public var pendingCount: Int { pending.count }

    /// Keeps our end of a splice that an earlier daemon began, if it is this worker's; of one that
    /// was over while nobody listened, until its linger is over as well.
    public mutating func adopt(_ row: SpliceRow, now: UInt64) {
        let source = row.upstream.source
        guard row.owner(among: settings.workers) == settings.worker,
            let target = targetIndex[row.upstream.destination]
        else { return }
        logAdopted(row, target)
        if row.isTransparent ? routes.transparent.adopt(row) : pools[target].reserve(source) {
            routes.loads[target].open()
            if row.state != .closed { takeSeat(of: row, target) }
        }
        let item = LingerQueue.Item(
            source: source, target: target, createdNanoseconds: row.createdNanoseconds, since: now)
        if row.state == .reset { reset.append(item) }
        if row.state == .closed { closed.append(item) }
    }

    /// Whether all that happened to flows must be known before a hello is looked at: where
    /// connections are bounded, or keep their client's port, it may want what another one had.
    public var hearsEventsFirst: Bool {
        routes.limits != nil || routes.transparent.count > 0 || mayHaveOpened
    }

    /// Bytes of a client that nobody acknowledged.
    ///
    /// `hasHeard`: whether all events were heard that came before it. If not, and they may be about
    /// an earlier connection of the same client, the answer is false: hear them first, then again.
    @discardableResult
    public mutating func receive(
        _ record: HelloRecord, _ bytes: Span<UInt8>, now: UInt64, hasHeard: Bool = true
    ) -> Bool {
        if record.isDamaged {
            counters.increment(.clientHelloDamaged)
            return true
        }
        if let client = pending[record.tuple] {
            if client.continues(record.note) {
                if client.splice == nil {
                    let owedPreface = client.awaitsPreface
                    read(record, bytes, client, listener(client.note.listener), now: now)
                    if owedPreface, pending[record.tuple] === client { awaitEndpoint(client) }
                    return true
                }
                // Perhaps the flow stands, and waits for owned bytes to be repeated.
                if !hasHeard, record.note == nil { return false }
                if !hasLostFlows(client, record, now: now) {
                    keepLate(record, bytes, client, now: now)
                    return true
                }
            }
            // A new handshake of the same port, or the flows are gone: begin anew. Perhaps they stood,
            // and the word of it was not read.
            if !hasHeard { return false }
            abandon(client, now: now)
        } else if !hasHeard, mayHaveOpened {
            // Perhaps the word that its endpoint is asked was not.
            return false
        }
        if let note = record.note, !departed.contains(record.tuple, note) {
            begin(record, bytes, note, now: now)
        } else {
            sendOn(record, bytes)
        }
        return true
    }

    private mutating func begin(
        _ record: HelloRecord, _ bytes: Span<UInt8>, _ note: HandshakeNote, now: UInt64
    ) {
        let listener = listener(note.listener)
        let client = newClient(record.tuple, note, limit: listener.helloLimit, now: now)
        client.awaitsPreface = listener.expectsPreface(from: record.tuple.source.address)
        noteBegin(of: client)
        pending[record.tuple] = client
        reading += 1
        read(record, bytes, client, listener, now: now)
        if !client.isClassified, pending[record.tuple] === client {
            readers[note.listener, default: ReaderQueue()].append(record.tuple, since: now)
            awaitEndpoint(client)
            if reading > settings.limits.halfClassified { evictOldestReader(now: now) }
        }
    }

    /// Keeps an eye on a client that may wait for its endpoint to speak, from when it could speak.
    private mutating func awaitEndpoint(_ client: PendingClient) {
        let listener = client.note.listener
        guard client.mayAwaitEndpoint, !client.isClassified,
            routes.listeners[listener]?.serverFirstAfter != nil
        else { return }
        silent[listener, default: ReaderQueue()].append(client.client, since: client.heardSince)
    }

    /// Whether the datapath, asked again by the client, does not know the splice any more.
    private func hasLostFlows(
        _ client: PendingClient, _ record: HelloRecord, now: UInt64
    ) -> Bool {
        // Right after the splice was written, the ring still holds what was noted before it.
        guard record.note != nil, now > client.lastSYN + Self.repeatInterval else { return false }
        return kernel.upstreamRow(of: client.client)?.createdNanoseconds
            != client.splice?.createdNanoseconds
    }

    /// One that is configured no more turns away who shook hands before.
    func listener(_ id: UInt16) -> ListenerRoutes {
        routes.listeners[id] ?? ListenerRoutes(id: id)
    }

    mutating func newClient(
        _ tuple: FlowTuple, _ note: HandshakeNote, limit: Int, now: UInt64
    ) -> PendingClient {
        guard let client = spare.popLast() else {
            return PendingClient(client: tuple, note: note, limit: limit, now: now)
        }
        client.begin(client: tuple, note: note, limit: limit, now: now)
        return client
    }

    /// Keeps the memory of a client that is pending no more.
    mutating func keepSpare(_ client: PendingClient) {
        if spare.count == 1024 { return }
        client.clear()
        spare.append(client)
    }

    private mutating func read(
        _ record: HelloRecord, _ bytes: Span<UInt8>, _ client: PendingClient,
        _ listener: ListenerRoutes, now: UInt64
    ) {
        client.timestamp = record.timestamp
        client.timestampEcho = record.timestampEcho
        client.window = record.window
        // The relay reads on, urgent byte and all, and takes its own decision.
        if record.isUrgent { return handOver(client, .classify(.urgentData), now: now) }
        var room = listener.helloLimit + TemplateRing.limit(segmentSize: settings.segmentSize)
        if !listener.proxySenders.isEmpty { room += ProxyPreface.limit }
        // An acknowledgement alone, told where the endpoint may speak first.
        var grown = bytes.isEmpty ? 0 : client.assembly.add(bytes, at: record.sequence, limit: room)
        if client.isClassified { return }
        if client.awaitsPreface {
            guard let behind = readPreface(client, listener, now: now) else { return }
            grown = behind
        }
        if !listener.isSniffed {
            noteUnseen(client, listener, now: now)
            let answer = listener.answerUnseen(from: client.origin.source.address)
            return follow(answer, client, now: now)
        }
        if grown == 0, bytes.isEmpty || client.hello.isEmpty { return }
        let all = client.assembly.bytes
        switch client.reader.read(all.span.extracting(last: grown)) {
        case .needsMore:
            if isTrickling(client) { handOver(client, .classify(.trickledHello), now: now) }
        case .hello(let hello):
            CrashPoint.reach(.helloRead)
            counters.increment(.classified)
            client.serverName = hello.serverName
            noteHello(of: client, .hello(hello), listener, now: now)
            let answer = listener.answer(to: hello, from: client.origin.source.address)
            follow(answer, client, now: now)
        case .notClassifiable(let reason):
            if reason == .tooLarge { counters.increment(.clientHelloTooLarge) }
            noteHello(of: client, .notClassifiable(reason), listener, now: now)
            let answer = listener.answer(to: reason, from: client.origin.source.address)
            follow(answer, client, now: now)
        }
    }

    /// The PROXY header in front of the hello. Answers how many bytes stand behind it; nil: it is
    /// not whole, or the client was given away.
    private mutating func readPreface(
        _ client: PendingClient, _ listener: ListenerRoutes, now: UInt64
    ) -> Int? {
        switch ProxyPreface.read(client.assembly.bytes.span) {
        case .needsMore:
            if isTrickling(client) { handOver(client, .classify(.trickledHello), now: now) }
            return nil
        case .malformed:
            counters.increment(.proxyHeaderRejected)
            noteRejection(of: client, .proxyHeader)
            handOver(client, .reject(listener.rejection.withoutTLS), now: now)
            return nil
        case .whole(let preface):
            client.awaitsPreface = false
            client.heardSince = now
            client.prefaceLength = preface.length
            client.origin = preface.named ?? client.client
            return client.hello.count
        }
    }

    /// A client that sends its hello in crumbs fills its congestion window with bytes that nobody
    /// acknowledges: a kernel socket must take over before it stops sending.
    private func isTrickling(_ client: PendingClient) -> Bool {
        let segments = client.assembly.segments
        return segments > 8 || segments > 3 && client.assembly.bytes.count < segments * 256
    }

    mutating func follow(_ answer: RouteDestination, _ client: PendingClient, now: UInt64) {
        switch answer {
        case .cluster(let index):
            client.cluster = index
            client.isClassified = true
            classified.append(client)
        case .reject(let how):
            handOver(client, .reject(how), now: now)
        }
    }

    /// Gives the client to the relay.
    mutating func handOver(_ client: PendingClient, _ what: HandOver, now: UInt64) {
        if case .reject = what {
            counters.increment(.rejected)
        } else {
            counters.increment(.relayed)
        }
        endAttempt(client, now: now)
        dropLate(client)
        departed.insert(client)
        if case .reject(.drop) = what {
            logEnd(of: client, .rejected, now: now)
            return forget(client)
        }
        noteHandOver(of: client, what, now: now)
        fallback.take(client.adopted(now: now), listener: client.note.listener, what)
        CrashPoint.reach(.handedOver)
        forget(client)
    }

    /// Drops a client whose connection is over.
    mutating func abandon(_ client: PendingClient, now: UInt64) {
        endAttempt(client, now: now)
        dropLate(client)
        forget(client)
    }

    mutating func forget(_ client: PendingClient) {
        if client.splice == nil { reading -= 1 }
        pending[client.client] = nil
        keepSpare(client)
    }

    /// Asks the endpoints of this round's clients; writes and sends what its events made.
    public mutating func flush(now: UInt64) {
        connectClassified(now: now)
        write(now: now)
        if known.hasOpened { layPorts(now: now) }
    }

    private mutating func connectClassified(now: UInt64) {
        if classified.isEmpty { return }
        for client in classified where client.isClassified && pending[client.client] === client {
            connect(client, now: now)
        }
        classified.removeAll(keepingCapacity: true)
    }

    mutating func write(now: UInt64) {
        let isWritten = kernel.flush()
        roundNumber += 1
        let refused = isWritten ? [] : round
        round.removeAll(keepingCapacity: true)
        for tuple in refused {
            guard let client = pending[tuple], client.splice != nil else { continue }
            relay(client, .tableFull, now: now)
        }
    }
}
