// SPDX-License-Identifier: Apache-2.0

internal import Balancing

/// What changes while connections are under way: the ways to endpoints, and the configuration.
extension Splicer where Kernel: ~Copyable {
    /// For clients from now on; splices keep the address that they have.
    mutating func follow(_ targets: [Target]) {
        for (index, target) in targets.enumerated() where target != routes.targets[index] {
            routes.targets[index] = target
            pools[index].use(
                sources: target.sources, ranges: settings.ports(for: index, of: routes))
        }
    }

    /// Goes by another configuration, whose first targets are those of the old one. Clients that
    /// still say their hello get its answer; those whose endpoint is asked keep their cluster.
    mutating func follow(_ new: RoutingSnapshot) {
        let old = routes
        for client in pending.values { keepCluster(of: client, from: old, to: new) }
        for index in pools.indices {
            pools[index].use(
                sources: new.targets[index].sources, ranges: settings.ports(for: index, of: new))
        }
        for index in new.targets.indices.dropFirst(pools.count) {
            targetIndex[new.targets[index].address] = index
            pools.append(settings.pool(for: index, of: new))
        }
        // Ports of endpoints that come and go would add up.
        let configured = Set(new.clusters.flatMap(\.targets))
        for index in pools.indices where !configured.contains(index) && pools[index].inUse == 0 {
            pools[index] = settings.pool(for: index, of: new)
        }
        routes = new
        ruleTexts.forget()
        servesSilentClients = new.listeners.values.contains { $0.servesSilentClients }
    }

    /// An endpoint that is in the cluster still is not asked twice, whatever its place is now.
    private func keepCluster(
        of client: PendingClient, from old: RoutingSnapshot, to new: RoutingSnapshot
    ) {
        guard let place = client.cluster else { return }
        client.cluster = new.place(ofCluster: old.clusters[place].id)
        let tried = old.clusters[place].targets.indices.filter { client.tried.contains($0) }
            .map { old.clusters[place].targets[$0] }
        let targets = client.cluster.map { new.clusters[$0].targets } ?? []
        client.tried = TriedEndpoints()
        for target in tried {
            if let index = targets.firstIndex(of: target) { client.tried.insert(index) }
        }
        if client.endpoint != nil { client.endpoint = targets.firstIndex(of: client.target) }
    }
}

extension SplicerSettings {
    /// This worker's ports towards a target, by its place.
    func pool(for target: Int, of routes: RoutingSnapshot) -> PortPool {
        PortPool(
            sources: routes.targets[target].sources, ranges: ports(for: target, of: routes),
            worker: worker, workers: workers)
    }

    func ports(for target: Int, of routes: RoutingSnapshot) -> [ClosedRange<UInt16>] {
        routes.plainTargets.contains(target) ? portsBesidePlain : ports
    }
}
