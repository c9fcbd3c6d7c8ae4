// SPDX-License-Identifier: Apache-2.0

import Dispatch
import KernelSockets
import Logging
import WireTypes

/// The relay's thread: everything here runs on it, so nothing is locked.
///
/// Sockets are watched edge-triggered and registered once; what is known of each stands in `Side`.
/// A connection is served until nothing moves or its turn is used up, and then queues.
final class RelayLoop {
    let channel: RelayChannel
    let policy: any RelayPolicy
    let observer: any RelayObserver
    var limits: RelayLimits
    let logger: Logger

    var connections: [UInt64: Connection] = [:]
    var listeners: [UInt64: RelayListener] = [:]
    var deadlines = DeadlineQueue()
    var pipes = PipePool()
    var halfClassified = HalfClassified()
    /// Those that used up their turn.
    var waiting: [UInt64] = []
    /// Those whose last bytes were not reported.
    var unreported: [UInt64] = []
    /// When they will be; nil: nothing to report.
    var nextReport: UInt64?
    /// Endpoints that are listeners of ours, and of which people were told.
    var toldLoops: Set<TransportAddress> = []
    /// Listening sockets are not watched until then: out of descriptors.
    var acceptAgain: UInt64?
    /// Read at the start of a round; a round takes milliseconds.
    var now = MonotonicClock.nanoseconds
    var buffer = [UInt8](repeating: 0, count: 32768)
    private var nextID: UInt64 = 2
    private var isStopping = false

    init(
        channel: RelayChannel, policy: any RelayPolicy, observer: any RelayObserver,
        limits: RelayLimits, logger: Logger
    ) {
        self.channel = channel
        self.policy = policy
        self.observer = observer
        self.limits = limits
        self.logger = logger
    }

    func run() {
        var events = [Epoll.Event](repeating: Epoll.Event(), count: 256)
        while !isStopping {
            let count: Int
            do {
                count = try channel.epoll.wait(&events, timeout: timeUntilNextTask())
            } catch {
                // Only a bug of ours (a closed descriptor) can bring this about, and then nothing is
                // relayed any more: louder than other lines of this target.
                logger.critical("relay cannot wait", metadata: ["error": "\(error)"])
                break
            }
            now = MonotonicClock.nanoseconds
            for index in 0..<count { handle(events[index]) }
            serveWaiting()
            runDeadlines()
            reportCounters()
        }
        for connection in Array(connections.values) {
            note(.stopped, of: connection)
            reset(connection)
        }
        listeners = [:]
    }

    /// Tokens: an even number for a client or a listener, the next odd one for its endpoint.
    func takeID() -> UInt64 {
        defer { nextID += 2 }
        return nextID
    }

    private func handle(_ event: Epoll.Event) {
        let token = event.token
        if token == RelayChannel.wakeUpToken { return obey() }
        if let listener = listeners[token] { return accept(listener, token: token) }
        // Closed earlier in this round.
        guard let connection = connections[token & ~1] else { return }
        if token & 1 == 0 {
            connection.downstream.note(event.readiness)
        } else {
            connection.upstream?.note(event.readiness)
        }
        serve(connection)
    }

    /// Does what can be done for a connection now.
    func serve(_ connection: Connection) {
        switch connection.phase {
        case .classifying: classify(connection)
        case .connecting: watchConnecting(connection)
        case .copying: copy(connection)
        case .rejecting: drain(connection)
        case .resetting: finishReset(connection)
        }
    }

    private func serveWaiting() {
        let turn = waiting
        waiting.removeAll(keepingCapacity: true)
        for id in turn {
            guard let connection = connections[id] else { continue }
            connection.isQueued = false
            serve(connection)
        }
    }

    private func obey() {
        for command in channel.takeAll() {
            switch command {
            case .adopt(let connection, let purpose): adopt(connection, purpose)
            case .listen(let listener): watch(listener)
            case .stopListening(let address, let done):
                listeners = listeners.filter { $0.value.socket.address != address }
                done.signal()
            case .assign(let address, let id):
                for listener in listeners.values where listener.socket.address == address {
                    listener.listener = id
                }
            case .use(let limits): self.limits = limits
            case .end(let endpoint, let cluster): endAll(to: endpoint, of: cluster)
            case .stop: isStopping = true
            }
        }
    }

    private func timeUntilNextTask() -> Duration? {
        if !waiting.isEmpty { return .zero }
        let tasks = [deadlines.next, nextReport, acceptAgain].compactMap(\.self)
        guard let first = tasks.min() else { return nil }
        let current = MonotonicClock.nanoseconds
        return .nanoseconds(first > current ? Int64(clamping: first - current) : 0)
    }
}
