// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import Settings
import Splicing
import WireTypes

extension ConnectionLimits {
    /// The bounds of a configuration; nil when it has none. `clusterTargets`: the places of each
    /// cluster's endpoints among all addresses.
    convenience init?(
        _ configuration: Configuration, listenerIDs: [UInt16], clusterTargets: [[Int]],
        datapath: KernelDatapath?, counters: SplicerCounters?
    ) {
        var parts = Parts()
        parts.process = configuration.limits.maxConnections.map { ConnectionCap($0) }
        parts.endpoints = Self.endpoints(configuration, clusterTargets)
        parts.sources = Self.sources(configuration.limits.perSource, 1, datapath)
        for (index, id) in listenerIDs.enumerated() {
            let listener = configuration.listeners[index]
            parts.listeners[id] = listener.maxConnections.map { ConnectionCap($0) }
            parts.sourcesOfListeners[id] = Self.sources(listener.perSource, index + 2, datapath)
        }
        for (index, cluster) in configuration.clusters.enumerated() {
            parts.clusters[index] = cluster.maxConnections.map { ConnectionCap($0) }
        }
        guard !parts.isEmpty else { return nil }
        self.init(parts) { counters?.increment(.sourceFullDryRun) }
    }

    /// All clusters that list an address count together what it has.
    private static func endpoints(
        _ configuration: Configuration, _ clusterTargets: [[Int]]
    ) -> [Int: [ConnectionCap?]] {
        let clusters = zip(configuration.clusters, clusterTargets)
        let capped = clusters.flatMap { cluster, targets in
            zip(cluster.endpoints, targets).filter { $0.0.maxConnections != nil }.map(\.1)
        }
        let counts = Dictionary(
            capped.map { ($0, ConnectionCount()) }, uniquingKeysWith: { first, _ in first })
        var caps: [Int: [ConnectionCap?]] = [:]
        for (index, (cluster, targets)) in clusters.enumerated()
        where targets.contains(where: { counts[$0] != nil }) {
            caps[index] = zip(cluster.endpoints, targets).map { endpoint, target in
                counts[target].map { ConnectionCap(endpoint.maxConnections ?? .max, of: $0) }
            }
        }
        return caps
    }

    private static func sources(
        _ limit: SourceLimit?, _ number: Int, _ datapath: KernelDatapath?
    ) -> SourceCounts? {
        guard let limit, limit.connections != nil else { return nil }
        return SourceCounts(limit) { block, isFull in
            // What the map has no room for, the daemon turns away by itself.
            try? datapath?.set(isFull: isFull, block, underLimit: UInt16(clamping: number))
        }
    }
}
