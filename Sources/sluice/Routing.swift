// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import KernelSockets
import Logging
import Settings
import Splicing
import WireTypes

/// A configuration in force, and what came of it.
struct Routing: Sendable {
    let configuration: Configuration
    /// Ids in the name table, in the order of the configuration. They outlive it: flows carry them.
    let listenerIDs: [UInt16]
    private(set) var snapshot: RoutingSnapshot
    /// The bounds of connections.
    let limits: NamedLimits
    /// What the datapath asks of clients' sources.
    private(set) var sources: SourceNumbering

    /// - Parameter earlier: What it takes the place of.
    init(
        _ configuration: Configuration, _ ids: NameIDs, attached: [NetworkInterface],
        datapath: KernelDatapath?, counters: SplicerCounters, continuing earlier: Routing? = nil
    ) throws {
        self.configuration = configuration
        listenerIDs = try configuration.listeners.map { try ids.id(of: $0.name, .listener) }
        let clusterIDs = try configuration.clusters.map { try ids.id(of: $0.name, .cluster) }
        let addresses = Self.addresses(configuration, after: earlier?.snapshot)
        let targets = sluice.targets(addresses, configuration.source, attached: attached)
        let known = earlier?.snapshot.loads ?? []
        let loads = known + (known.count..<targets.count).map { _ in EndpointLoad() }
        let places = Dictionary(
            addresses.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let clusterTargets = configuration.clusters.map { cluster in
            cluster.endpoints.compactMap { places[$0.address] }
        }
        limits = NamedLimits(
            LimitsSource(
                configuration: configuration, listenerIDs: listenerIDs, clusterIDs: clusterIDs,
                clusterTargets: clusterTargets, datapath: datapath, counters: counters),
            continuing: earlier?.limits)
        let caps = limits.limits?.parts.endpoints ?? [:]
        let earlierPlaces = earlier?.places ?? [:]
        let clusters = configuration.clusters.enumerated().map { index, cluster in
            ClusterState(
                cluster, id: clusterIDs[index], targets: clusterTargets[index], loads,
                caps: caps[index] ?? [],
                continuing: earlierPlaces[cluster.name].flatMap { earlier?.cluster(at: $0) })
        }
        var listeners: [UInt16: ListenerRoutes] = [:]
        for (listener, id) in zip(configuration.listeners, listenerIDs) {
            listeners[id] = ListenerRoutes(
                listener, id: id, isSplicing: configuration.isSplicing)
        }
        var snapshot = RoutingSnapshot(
            listeners: listeners, clusters: clusters, targets: targets, loads: loads,
            continuing: earlier?.snapshot)
        snapshot.limits = limits.limits
        if configuration.log.connections != .off {
            let names = configuration.clusters.map(\.name)
            snapshot.describe = { Configuration.text(of: $0, clusters: names).shortened }
        }
        self.snapshot = snapshot
        sources = earlier?.sources ?? SourceNumbering()
    }

    /// Has places for endpoints that are not configured, but of which there are flows: should they be
    /// configured again, nobody else gets the ports of these.
    mutating func keepPlaces(of endpoints: Set<TransportAddress>, attached: [NetworkInterface]) {
        let strangers = endpoints.subtracting(snapshot.targets.map(\.address))
        if strangers.isEmpty { return }
        let targets = sluice.targets(
            Array(strangers), configuration.source, attached: attached)
        var next = RoutingSnapshot(
            listeners: snapshot.listeners, clusters: snapshot.clusters,
            targets: snapshot.targets + targets,
            loads: snapshot.loads + targets.map { _ in EndpointLoad() }, continuing: snapshot)
        next.limits = snapshot.limits
        next.describe = snapshot.describe
        snapshot = next
    }

    /// Has the datapath tell of what endpoints send to ports of ours without a flow. Without that such
    /// packets are the host's, which resets them.
    func giveEndpoints(to datapath: KernelDatapath, _ logger: Logger) {
        do {
            try datapath.expect(snapshot.targets.map(\.address))
        } catch {
            logger.warning(
                "flows of some endpoints are not made whole again should the kernel forget a half",
                metadata: ["error": "\(error)"])
        }
    }

    /// Gives the datapath what it shall ask of clients' sources; no listener names it yet. On error
    /// nothing is changed.
    mutating func giveSources(to datapath: KernelDatapath) throws {
        try sources.add(configuration, listenerIDs, to: datapath)
    }

    /// Takes back what no listener names any more.
    mutating func retireSources(in datapath: KernelDatapath) { sources.retire(in: datapath) }

    /// Of all endpoints once: first those of an earlier configuration, in their order.
    private static func addresses(
        _ configuration: Configuration, after earlier: RoutingSnapshot?
    ) -> [TransportAddress] {
        let known = earlier?.targets.map(\.address) ?? []
        var seen = Set(known)
        return known
            + configuration.clusters.flatMap(\.endpoints).map(\.address).filter {
                seen.insert($0).inserted
            }
    }

    /// Where each cluster stands, by its name.
    private var places: [String: Int] {
        Dictionary(
            configuration.clusters.enumerated().map { ($1.name, $0) },
            uniquingKeysWith: { first, _ in first })
    }

    private func cluster(at place: Int) -> (Cluster, ClusterState) {
        (configuration.clusters[place], snapshot.clusters[place])
    }

    /// Takes over what checks found since this one was put together: once nobody checks for `earlier`
    /// any more.
    func takeOverHealth(of earlier: Routing) {
        let places = earlier.places
        for (cluster, now) in zip(configuration.clusters, snapshot.clusters) {
            guard let place = places[cluster.name] else { continue }
            let before = earlier.snapshot.clusters[place].picker.states
            guard before !== now.picker.states else { continue }
            now.picker.states.takeOver(before, now: MonotonicClock.nanoseconds)
        }
    }

    /// Ends what only this configuration needed, once nobody goes by it any more.
    func retire(for next: Routing) {
        let kept = Set(next.snapshot.clusters.map { ObjectIdentifier($0.picker.states) })
        for cluster in snapshot.clusters
        where !kept.contains(ObjectIdentifier(cluster.picker.states)) {
            cluster.picker.retire()
        }
    }
}

/// Numbers for the names of listeners and clusters. The datapath keeps them longer than any
/// configuration: flows carry them.
final class NameIDs {
    private let datapath: KernelDatapath?
    private var known: [NameKind: [String: UInt16]] = [:]
    private var next: [NameKind: Int] = [:]

    init(_ datapath: KernelDatapath?) {
        self.datapath = datapath
        for kind in [NameKind.listener, .cluster] {
            let ids = datapath?.storedNames(kind) ?? [:]
            known[kind] = ids
            next[kind] = (ids.values.max().map { Int($0) } ?? -1) + 1
        }
    }

    /// All names by their ids, also of earlier configurations.
    func names(_ kind: NameKind) -> [UInt16: String] {
        Dictionary(
            (known[kind] ?? [:]).map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The id that a name had before, else a new one.
    func id(of name: String, _ kind: NameKind) throws -> UInt16 {
        if let id = known[kind]?[name] { return id }
        guard let id = next[kind].flatMap({ UInt16(exactly: $0) }) else {
            throw Refusal(
                "cannot name \(name): 65536 names of its kind were used; unload and start anew")
        }
        try datapath?.setName(name, id: id, kind)
        known[kind]?[name] = id
        next[kind] = Int(id) + 1
        return id
    }
}

extension ClusterState {
    /// - Parameters:
    ///   - targets: The places of its endpoints, whose loads and caps those are.
    ///   - earlier: The cluster of that name before. If it shared out connections as this one does,
    ///     it goes on where that one is; else endpoints that are in both stay as they are.
    fileprivate init(
        _ cluster: Cluster, id: UInt16, targets: [Int], _ loads: [EndpointLoad],
        caps: [ConnectionCap?],
        continuing earlier: (configuration: Cluster, state: ClusterState)?
    ) {
        let picker: Picker
        if let earlier, earlier.configuration.endpoints == cluster.endpoints,
            earlier.configuration.balance == cluster.balance
        {
            picker = earlier.state.picker
        } else {
            picker = Picker(
                cluster.endpoints, loads: targets.map { loads[$0] }, balance: cluster.balance,
                caps: caps, seed: .random(in: 0 ... .max))
            if let earlier {
                picker.states.takeOver(
                    earlier.state.picker.states, now: MonotonicClock.nanoseconds)
            }
        }
        self.init(
            id: id, targets: targets, connectTimeout: cluster.connectTimeout, picker: picker,
            proxyProtocol: cluster.proxyProtocol, whenEmpty: cluster.whenEmpty)
        proxyTLVs = cluster.proxyTLVs
        isTransparent = cluster.isTransparent
    }
}

/// Endpoints as seen from here.
func targets(
    _ addresses: [TransportAddress], _ source: SourcePool, attached: [NetworkInterface]
) -> [Target] {
    let own = Set(NetworkInterface.hostAddresses)
    let attachedAddresses = Set(attached.flatMap(\.addresses))
    return addresses.map { address in
        if own.contains(address.address) {
            return Target(address: address, sources: [], obstacle: .localEndpoint)
        }
        guard let way = sourceAddress(towards: address) else {
            return Target(address: address, sources: [], obstacle: .noRoute)
        }
        let pool = source.addresses.filter {
            $0.isIPv4 == address.address.isIPv4
        }
        // The interface that the kernel would send from must be one of ours, or the endpoint's
        // answers never pass the datapath.
        let isAttached = attachedAddresses.contains(way)
        return Target(
            address: address, sources: pool.isEmpty ? [way] : pool,
            obstacle: isAttached ? nil : .noRoute)
    }
}

extension ListenerRoutes {
    init(_ listener: Listener, id: UInt16, isSplicing: Bool) {
        self.init(id: id)
        table = listener.routes
        defaultCluster = listener.defaultCluster
        nonTLSCluster = listener.nonTLSCluster
        rejection = listener.reject
        helloLimit = listener.hello.maxSize
        helloTimeout = listener.hello.timeout
        lateGoesToDefault = listener.hello.onTimeout == .default
        largeGoesToDefault = listener.hello.onTooLarge == .default
        isSniffed = listener.mode == .tls
        isPlain = isSplicing && listener.mode == .plain
        serverFirstAfter = listener.hello.serverFirstAfter
        proxySenders = listener.proxySenders
    }
}
