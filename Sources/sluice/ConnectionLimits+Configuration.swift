// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import Settings
import Splicing
import WireTypes

/// What bounds of a configuration are made of.
struct LimitsSource {
    let configuration: Configuration
    /// Ids in the name table, in the order of the configuration.
    let listenerIDs: [UInt16]
    let clusterIDs: [UInt16]
    /// The places of each cluster's endpoints among all targets.
    let clusterTargets: [[Int]]
    let datapath: KernelDatapath?
    let counters: SplicerCounters
}

/// The bounds in force, with the names by which the next configuration finds their counts again.
struct NamedLimits {
    private var clusters: [UInt16: ConnectionCount] = [:]
    private var targets: [Int: ConnectionCount] = [:]
    private var dryRuns: [SourceCounts] = []
    /// nil: nothing is bounded.
    private(set) var limits: ConnectionLimits?

    init(_ source: LimitsSource, continuing earlier: NamedLimits? = nil) {
        let configuration = source.configuration
        let before = earlier?.limits?.parts
        var parts = ConnectionLimits.Parts()
        parts.process = configuration.limits.maxConnections.map {
            ConnectionCap($0, of: before?.process?.count ?? ConnectionCount())
        }
        for (listener, id) in zip(configuration.listeners, source.listenerIDs) {
            parts.listeners[id] = listener.maxConnections.map {
                ConnectionCap($0, of: before?.listeners[id]?.count ?? ConnectionCount())
            }
            parts.sourcesOfListeners[id] = sources(
                listener.perSource, .listener(id), source, before?.sourcesOfListeners[id])
        }
        parts.sources = sources(
            configuration.limits.perSource, .process, source, before?.sources)
        for (index, id) in source.clusterIDs.enumerated() {
            guard let most = configuration.clusters[index].maxConnections else { continue }
            let count = earlier?.clusters[id] ?? ConnectionCount()
            clusters[id] = count
            parts.clusters[index] = ConnectionCap(most, of: count)
        }
        parts.endpoints = endpoints(source, earlier)
        guard !parts.isEmpty else { return }
        let counters = source.counters
        limits = ConnectionLimits(parts, dryRuns: dryRuns) {
            counters.increment(.sourceFullDryRun)
        }
    }

    /// All clusters that list an address count together what it has.
    private mutating func endpoints(
        _ source: LimitsSource, _ earlier: NamedLimits?
    ) -> [Int: [ConnectionCap?]] {
        let clusters = Array(zip(source.configuration.clusters, source.clusterTargets))
        for (cluster, places) in clusters {
            for (endpoint, target) in zip(cluster.endpoints, places)
            where endpoint.maxConnections != nil {
                targets[target] = earlier?.targets[target] ?? targets[target] ?? ConnectionCount()
            }
        }
        var caps: [Int: [ConnectionCap?]] = [:]
        for (index, (cluster, places)) in clusters.enumerated()
        where places.contains(where: { targets[$0] != nil }) {
            caps[index] = zip(cluster.endpoints, places).map { endpoint, target in
                targets[target].map { ConnectionCap(endpoint.maxConnections ?? .max, of: $0) }
            }
        }
        return caps
    }

    /// Counts of sources go on as long as they are of the same blocks.
    private mutating func sources(
        _ limit: SourceLimit?, _ scope: SourceScope, _ source: LimitsSource,
        _ earlier: SourceCounts?
    ) -> SourceCounts? {
        guard let limit, limit.connections != nil else { return nil }
        let datapath = source.datapath
        let counts =
            earlier.flatMap { $0.canFollow(limit) ? $0 : nil }
            ?? SourceCounts(limit) { block, isFull in
                // What the map has no room for, the daemon turns away by itself.
                try? datapath?.set(isFull: isFull, block, underLimit: scope.limitNumber)
            }
        if limit.isDryRun { dryRuns.append(counts) }
        return counts
    }

    /// Lets the counts that were there before go by the bounds of this configuration: once it is in
    /// force.
    func follow(_ configuration: Configuration, _ listenerIDs: [UInt16], after earlier: NamedLimits)
    {
        let now = limits?.parts
        let before = earlier.limits?.parts
        Self.follow(configuration.limits.perSource, before?.sources, now?.sources)
        for (id, counts) in before?.sourcesOfListeners ?? [:] {
            let place = listenerIDs.firstIndex(of: id)
            Self.follow(
                place.flatMap { configuration.listeners[$0].perSource }, counts,
                now?.sourcesOfListeners[id])
        }
    }

    private static func follow(
        _ limit: SourceLimit?, _ before: SourceCounts?, _ now: SourceCounts?
    ) {
        guard let before else { return }
        before.follow(before === now ? limit : nil)
    }
}
