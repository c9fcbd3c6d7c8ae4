// SPDX-License-Identifier: Apache-2.0

public import Balancing
public import HealthChecking
public import KernelSockets
internal import Synchronization
public import WireTypes

/// A cluster as its health is watched.
public struct MonitoredCluster: Sendable {
    /// Where its endpoints listen.
    public var endpoints: [TransportAddress]
    /// Their places among all targets, by which signals name them.
    public var targets: [Int]
    /// How they are asked; nil: they are not.
    public var check: HealthCheck?
    /// When failing connects take them out; nil: never.
    public var ejection: Ejection?
    /// The SNI or Host of checks.
    public var serverName: ServerName?
    /// What its endpoints want in front of a client's first byte, and of a check's.
    public var proxyProtocol = ProxyProtocol.off
    /// Where their health goes.
    public var states: EndpointStates

    /// A cluster.
    public init(
        endpoints: [TransportAddress], targets: [Int], check: HealthCheck?, ejection: Ejection?,
        serverName: ServerName?, states: EndpointStates
    ) {
        self.endpoints = endpoints
        self.targets = targets
        self.check = check
        self.ejection = ejection
        self.serverName = serverName
        self.states = states
    }
}

/// Who is told. Called on the monitor's thread: must be quick.
public protocol HealthObserver: Sendable {
    /// An endpoint's health became another; its state says so already.
    func didChange(_ transition: HealthTransition, cluster: Int)
    /// So many clients found no endpoint in a cluster since this was told last, a second ago or more.
    func didFindEmpty(cluster: Int, clients: Int)
}

/// The thread that makes checks, hears signals, and writes the health of endpoints.
public final class HealthMonitor: Sendable {
    private let clusters: [MonitoredCluster]
    private let left = Mutex<[ClusterWatch]>([])
    private let signals: HealthSignals
    private let observer: any HealthObserver
    private let channel: HealthChannel
    private let thread = Mutex<KernelThread?>(nil)

    /// Prepares the thread; nothing is changed before it starts.
    public init(
        _ clusters: [MonitoredCluster], signals: HealthSignals, observer: any HealthObserver
    ) throws(SocketError) {
        self.clusters = clusters
        self.signals = signals
        self.observer = observer
        channel = try HealthChannel()
    }

    /// Starts the thread. Endpoints that wait for their first check do not serve from here on.
    ///
    /// - Parameter earlier: Who watched before, and has ended. Clusters whose states are the same, and
    ///   which are asked as before, go on where it left off; of others what their states say is taken
    ///   over.
    public func start(after earlier: HealthMonitor? = nil) throws(SocketError) {
        let watches = watches(after: earlier)
        signals.listen(watchesFlows: clusters.contains { $0.check != nil }) { [channel] in
            channel.bell.signal()
        }
        let (clusters, signals, observer, channel) = (clusters, signals, observer, channel)
        var running: KernelThread? = try KernelThread(name: "health") { [self] in
            let loop = HealthLoop(clusters, watches, signals, observer, channel)
            loop.run()
            left.withLock { $0 = loop.watches }
        }
        thread.withLock { $0 = running.take() }
    }

    private func watches(after earlier: HealthMonitor?) -> [ClusterWatch] {
        let now = MonotonicClock.nanoseconds
        var random = SystemRandomNumberGenerator()
        var known: [ObjectIdentifier: ClusterWatch] = [:]
        if let earlier {
            for (cluster, watch) in zip(earlier.clusters, earlier.left.withLock { $0 }) {
                known[ObjectIdentifier(cluster.states)] = watch
            }
        }
        return clusters.map { cluster in
            if var watch = known[ObjectIdentifier(cluster.states)], watch.check == cluster.check,
                watch.ejection == cluster.ejection
            {
                watch.resume(now: now, random: &random)
                return watch
            }
            let watch = ClusterWatch(
                check: cluster.check, ejection: cluster.ejection, count: cluster.endpoints.count,
                now: now, random: &random, known: { cluster.states[$0].health })
            for index in cluster.endpoints.indices {
                cluster.states.set(health: watch.health(of: index), of: index, now: now)
            }
            return watch
        }
    }

    /// Ends the thread and waits for it. A second call returns at once.
    public func stop() {
        guard let running = thread.withLock({ $0.take() }) else { return }
        channel.isStopping.store(true, ordering: .releasing)
        channel.bell.signal()
        running.join()
    }
}

/// Where the monitor's thread waits, and how others wake it.
final class HealthChannel: Sendable {
    let epoll: Epoll
    let bell: EventCounter
    let isStopping = Atomic<Bool>(false)

    /// The bell's token; probes have others.
    static let bellToken: UInt64 = 0

    init() throws(SocketError) {
        epoll = try Epoll()
        bell = try EventCounter()
        try epoll.add(bell, token: Self.bellToken)
    }
}
