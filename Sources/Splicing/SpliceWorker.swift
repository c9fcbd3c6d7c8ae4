// SPDX-License-Identifier: Apache-2.0

public import ConnectionLogging
public import Datapath
internal import KernelBPF
public import KernelSockets
public import Logging
internal import Synchronization
internal import WireTypes

/// What a worker is made of.
public struct WorkerParts: Sendable {
    /// The datapath.
    public var datapath: KernelDatapath
    /// Routing.
    public var routes: RoutingSnapshot
    /// This worker's settings.
    public var settings: SplicerSettings
    /// Takes what is not spliced.
    public var fallback: any SpliceFallback
    /// Shared by all workers.
    public var admission: FlowAdmission
    /// Shared by all workers.
    public var counters: SplicerCounters
    /// Shared by all workers.
    public var names: ServerNameTable
    /// Splices of an earlier daemon.
    public var adopted: [SpliceRow]
    /// Where it logs connections; nil: nowhere.
    public var log: ConnectionLane?
    /// Gets one line a failed write.
    public var logger: Logger
    /// Told when the worker cannot go on: its clients would wait in vain.
    public var failed: @Sendable (any Error) -> Void

    /// All of them.
    public init(
        datapath: KernelDatapath, routes: RoutingSnapshot, settings: SplicerSettings,
        fallback: any SpliceFallback, admission: FlowAdmission, counters: SplicerCounters,
        names: ServerNameTable, adopted: [SpliceRow], logger: Logger,
        failed: @escaping @Sendable (any Error) -> Void
    ) {
        self.datapath = datapath
        self.routes = routes
        self.settings = settings
        self.fallback = fallback
        self.admission = admission
        self.counters = counters
        self.names = names
        self.adopted = adopted
        self.logger = logger
        self.failed = failed
    }
}

/// A thread that reads one worker's rings and runs its splicer.
public final class SpliceWorker: Sendable {
    private struct Inbox {
        var messages: [WorkerMessage] = []
        var isStopping = false
    }

    /// A hello is some 20 µs of work, for which a client waits. Shorter than what others have from two
    /// processors on (1.4 to 2.8 ms); the shorter, the fewer hellos a crowd's worker finds at once.
    private static let slice = Duration.milliseconds(1)
    /// As many hellos at once are a crowd: the next ones are about to come.
    private static let crowd = 4

    private let inbox = Mutex(Inbox())
    private let bell: EventCounter
    private let thread = Mutex<KernelThread?>(nil)
    private let index: Int

    /// Makes the rings; `start` begins to read them.
    public init(index: Int) throws(SocketError) {
        self.index = index
        bell = try EventCounter()
    }

    /// Starts the thread. `peers`: all workers, this one among them.
    public func start(_ parts: WorkerParts, peers: [SpliceWorker], sweeper: FlowSweeper) throws {
        let rings = Mutex<WorkerRings?>(try WorkerRings(parts.datapath, worker: index))
        let box = RingBox(rings)
        let epoll = try Epoll()
        try epoll.add(bell, token: 0)
        let poller = PollerBox(epoll)
        var running: KernelThread? = try KernelThread(name: "splice-\(index)", slice: Self.slice) {
            [self] in
            guard let rings = box.take(), let epoll = poller.take() else { return }
            run(parts, rings, epoll, peers, sweeper)
        }
        thread.withLock { $0 = running.take() }
    }

    /// Leaves a message; it is read within a second.
    public func post(_ message: WorkerMessage) {
        inbox.withLock { $0.messages.append(message) }
    }

    /// Leaves a message that is read before the next hello.
    public func deliver(_ message: WorkerMessage) {
        post(message)
        bell.signal()
    }

    /// Ends the thread and waits for it.
    public func stop() {
        inbox.withLock { $0.isStopping = true }
        bell.signal()
        guard let running = thread.withLock({ $0.take() }) else { return }
        running.join()
    }

    private func run(
        _ parts: WorkerParts, _ rings: consuming WorkerRings, _ epoll: consuming Epoll,
        _ peers: [SpliceWorker], _ sweeper: FlowSweeper
    ) {
        var logger = parts.logger
        logger[metadataKey: "worker"] = "\(index)"
        do {
            try epoll.add(descriptor: rings.number, token: 1)
            let kernel = try LiveSplicingKernel(
                parts.datapath, worker: index,
                seed: UInt32(truncatingIfNeeded: MonotonicClock.nanoseconds >> 16)
            ) { [logger] in logger.warning("kernel refused", metadata: ["error": "\($0)"]) }
            var splicer = Splicer(
                kernel: kernel, routes: parts.routes, settings: parts.settings,
                fallback: parts.fallback, admission: parts.admission, counters: parts.counters,
                names: parts.names, log: parts.log)
            let now = MonotonicClock.nanoseconds
            for row in parts.adopted { splicer.adopt(row, now: now) }
            try loop(&splicer, rings, epoll, peers, sweeper)
        } catch {
            parts.failed(error)
        }
    }

    private func loop(
        _ splicer: inout Splicer<LiveSplicingKernel>, _ rings: borrowing WorkerRings,
        _ epoll: borrowing Epoll, _ peers: [SpliceWorker], _ sweeper: FlowSweeper
    ) throws {
        var events = [Epoll.Event](repeating: Epoll.Event(), count: 2)
        var lastTick: UInt64 = 0
        var hellos = 0
        while true {
            if hellos >= Self.crowd { awaitMore(rings) }
            hellos = 0

            // Where connections are bounded, a place is free within a second of its flow's end. Flows
            // of plain listeners are told without waking, and the ring must hold them until then.
            let longest: Duration =
                !splicer.routes.plainTargets.isEmpty || splicer.mayHaveOpened
                ? .milliseconds(50)
                : splicer.routes.limits == nil ? .milliseconds(500) : .milliseconds(250)
            let timeout: Duration =
                splicer.hasLate
                ? .milliseconds(1) : splicer.isWaiting ? .milliseconds(50) : longest
            let ready = try epoll.wait(&events, timeout: rings.maySleep() ? timeout : .zero)
            rings.wake()
            let isCalled = events.prefix(ready).contains { $0.token == 0 }
            if isCalled {
                bell.clear()
                // Ports of plain flows may be anybody's by the next configuration.
                _ = readEvents(&splicer, rings)
                let now = MonotonicClock.nanoseconds
                for message in takeMessages().messages { splicer.handle(message, now: now) }
                lastTick = 0
            }
            var now = MonotonicClock.nanoseconds
            repeat {
                // Who says a hello waits for the endpoint; of those that are over nobody waits.
                let hearsFirst = splicer.hearsEventsFirst
                var count = hearsFirst ? readEvents(&splicer, rings) : 0
                count += rings.drainWaking(
                    hello: { record, bytes in
                        hellos += 1
                        // Events may have come since the quiet ring was read.
                        if splicer.receive(record, bytes, now: now, hasHeard: false) { return }
                        _ = readEvents(&splicer, rings)
                        splicer.receive(record, bytes, now: now)
                    },
                    flow: { event in
                        switch event.kind {
                        case .orphaned, .stray: sweeper.note(event)
                        default:
                            if !splicer.knows(event.client) { _ = readEvents(&splicer, rings) }
                            splicer.handle(event, now: now)
                        }
                    })
                splicer.flush(now: now)
                if !hearsFirst {
                    count += readEvents(&splicer, rings)
                    splicer.flush(now: now)
                }
                if count == 0 { break }
                now = MonotonicClock.nanoseconds
            } while now < lastTick + 50_000_000
            if now >= lastTick + 20_000_000 {
                lastTick = now
                let (messages, isStopping) = takeMessages()
                for message in messages { splicer.handle(message, now: now) }
                splicer.tick(now: now)
                splicer.flush(now: now)
                sendForeignPorts(&splicer, peers)
                if isStopping { return splicer.logHeld() }
            }
        }
    }

    /// By a clock of its own: endpoints answer while the SYNs are sent.
    private func readEvents(
        _ splicer: inout Splicer<LiveSplicingKernel>, _ rings: borrowing WorkerRings
    ) -> Int {
        let now = MonotonicClock.nanoseconds
        return rings.drainQuiet(
            opened: { splicer.receive($0, now: now) }, flow: { splicer.handle($0, now: now) })
    }

    /// Lets those run who would send more. The worker counts as awake meanwhile, so that nobody
    /// wakes it: of all that a connection costs here, waking is the dearest. Not for single
    /// hellos, which would wait for whoever keeps the processor busy.
    private func awaitMore(_ rings: borrowing WorkerRings) {
        for _ in 0..<2 where !rings.haveRecords { KernelThread.yield() }
    }

    private func takeMessages() -> (messages: [WorkerMessage], isStopping: Bool) {
        inbox.withLock { inbox in
            defer { inbox.messages.removeAll(keepingCapacity: true) }
            return (inbox.messages, inbox.isStopping)
        }
    }

    private func sendForeignPorts(
        _ splicer: inout Splicer<LiveSplicingKernel>, _ peers: [SpliceWorker]
    ) {
        guard !splicer.foreignPorts.isEmpty else { return }
        for (port, target) in splicer.foreignPorts {
            let owner = PortPool.owner(of: port.port, workers: peers.count)
            peers[owner].post(.free(port, target: target))
        }
        splicer.foreignPorts.removeAll(keepingCapacity: true)
    }
}

/// Carries a value that is not copyable into the thread that takes it.
private final class RingBox: Sendable {
    private let value: Mutex<WorkerRings?>
    init(_ value: consuming Mutex<WorkerRings?>) { self.value = value }
    func take() -> WorkerRings? { value.withLock { $0.take() } }
}

private final class PollerBox: Sendable {
    private let value: Mutex<Epoll?>
    init(_ epoll: consuming Epoll) { value = Mutex(consume epoll) }
    func take() -> Epoll? { value.withLock { $0.take() } }
}
