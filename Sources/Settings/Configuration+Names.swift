// SPDX-License-Identifier: Apache-2.0

public import Balancing
public import WireTypes

extension Configuration {
    /// Names of endpoints, of all clusters.
    public var endpointNames: Set<String> { Set(clusters.flatMap(\.names).map(\.name)) }

    /// The configuration with the addresses of its names for endpoints: each once, in the order of
    /// the names, and no more than a cluster may have.
    public func resolving(_ addresses: (String) -> [IPAddress]) -> Configuration {
        var resolved = self
        for index in clusters.indices where !clusters[index].names.isEmpty {
            var seen: Set<TransportAddress> = []
            let found = clusters[index].names.flatMap { name in
                addresses(name.name).map { TransportAddress($0, name.port) }
            }
            let limit = min(Cluster.endpointLimit, clusters[index].balance.tableSize)
            resolved.clusters[index].endpoints = found.filter { seen.insert($0).inserted }
                .prefix(limit).map { Endpoint(address: $0, weight: Defaults.weight) }
        }
        return resolved
    }

    /// The first cluster that has no endpoint, since none of its names has an address.
    public var clusterWithoutEndpoints: Cluster? { clusters.first { $0.endpoints.isEmpty } }
}
