// SPDX-License-Identifier: Apache-2.0

import Balancing
import HealthChecking
import HealthProbing
import KernelSockets
import Logging
import Relaying
import Settings
import Splicing
import Synchronization
import WireTypes

/// What follows from an endpoint's health: one line in the log for each transition, and, if it is
/// wanted, the end of its connections.
final class HealthReport: HealthObserver {
    private let clusters: [Cluster]
    private let routes: RoutingSnapshot
    private let sweeper: FlowSweeper?
    private let relay: Relay
    private let news: HealthNews
    private let logger: Logger
    /// Clusters whose endpoints are all used whatever their health.
    private let panicking = Mutex<Set<Int>>([])

    init(
        _ clusters: [Cluster], _ routes: RoutingSnapshot, _ sweeper: FlowSweeper?, _ relay: Relay,
        _ news: HealthNews, _ logger: Logger
    ) {
        self.clusters = clusters
        self.routes = routes
        self.sweeper = sweeper
        self.relay = relay
        self.news = news
        self.logger = logger
    }

    func didChange(_ transition: HealthTransition, cluster index: Int) {
        let cluster = clusters[index]
        let address = cluster.endpoints[transition.endpoint].address
        news.note(transition, of: EndpointKey(cluster: cluster.name, address: address))
        // A later one tells more than the error of an endpoint that came back.
        var facts: Logger.Metadata = [
            "cluster": "\(cluster.name)", "endpoint": "\(address)",
            "was": "\(transition.before.rawValue)", "health": "\(transition.after.rawValue)",
            "cause": "\(transition.cause.rawValue)",
        ]
        if let error = transition.lastError { facts["last_error"] = "\(error)" }
        if let time = transition.time { facts["for"] = "\(time)" }
        // The first good check of an endpoint that was taken for well is no news.
        let isNews = transition.before != .unknown || transition.after != .up
        let isBad = transition.after == .down || transition.after == .ejected
        logger.log(
            level: isBad ? .warning : isNews ? .notice : .debug, "endpoint health changed",
            metadata: facts)
        tellPanic(index)
        act(transition, cluster.onDown, address, routes.clusters[index].id)
    }

    private func tellPanic(_ index: Int) {
        let states = routes.clusters[index].picker.states
        let isPanic = states.isPanic
        let isNews = panicking.withLock { clusters in
            isPanic ? clusters.insert(index).inserted : clusters.remove(index) != nil
        }
        guard isNews else { return }
        logger.log(
            level: isPanic ? .warning : .notice,
            isPanic
                ? "too few endpoints are well: all are used whatever their health"
                : "enough endpoints are well again",
            metadata: [
                "cluster": "\(clusters[index].name)", "reason": "\(reason(of: states))",
            ])
    }

    private func act(
        _ transition: HealthTransition, _ action: DownAction, _ address: TransportAddress,
        _ cluster: UInt16
    ) {
        guard let perSecond = action.resetsPerSecond else { return }
        if transition.after == .down {
            sweeper?.end(flowsTo: address, of: cluster, perSecond: perSecond)
            relay.end(connectionsTo: address, of: cluster)
        } else if transition.before == .down {
            sweeper?.spare(flowsTo: address, of: cluster)
        }
    }

    func didFindEmpty(cluster index: Int, clients: Int) {
        let cluster = clusters[index]
        logger.warning(
            "no endpoint of the cluster may get connections",
            metadata: [
                "cluster": "\(cluster.name)", "clients": "\(clients)",
                "action": "\(cluster.whenEmpty.text(clusters))",
                "reason": "\(reason(of: routes.clusters[index].picker.states))",
            ])
    }

    /// In short what its endpoints are: `down 2, draining 1`.
    private func reason(of states: EndpointStates) -> String {
        var counts: [String: Int] = [:]
        for index in 0..<states.count {
            let state = states[index]
            let word =
                state.administration != .up
                ? state.administration.rawValue
                : state.weight == 0 ? "weight 0" : state.health.rawValue
            counts[word, default: 0] += 1
        }
        return counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            .joined(separator: ", ")
    }
}

extension DownAction {
    /// How many connections are ended a second; nil: none.
    var resetsPerSecond: Int? {
        switch self {
        case .keep: nil
        case .reset: 10_000
        case .resetSlowly: 500
        }
    }
}

extension EmptyAction {
    fileprivate func text(_ clusters: [Cluster]) -> String {
        switch self {
        case .tryAll: "reset"
        case .reject(let how): how.rawValue
        case .cluster(let index): "cluster \(clusters[index].name)"
        }
    }
}

/// The clusters as their health is watched.
func monitoredClusters(_ configuration: Configuration, _ routes: RoutingSnapshot)
    -> [MonitoredCluster]
{
    let names = configuration.exactNames
    return configuration.clusters.enumerated().map { index, cluster in
        var monitored = MonitoredCluster(
            endpoints: cluster.endpoints.map(\.address), targets: routes.clusters[index].targets,
            check: cluster.health, ejection: cluster.ejection,
            serverName: cluster.health?.serverName ?? names[index],
            states: routes.clusters[index].picker.states)
        monitored.proxyProtocol = cluster.proxyProtocol
        return monitored
    }
}

extension Configuration {
    /// The first server name that is routed to each cluster, by its place, whatever else the route asks.
    /// In one pass: there may be very many routes, and clusters.
    var exactNames: [Int: ServerName] {
        var names: [Int: ServerName] = [:]
        for listener in listeners {
            for route in listener.routes.routes {
                guard case .pattern(.exact(let name)) = route.name else { continue }
                for cluster in route.clusters where names[cluster] == nil { names[cluster] = name }
            }
        }
        return names
    }
}
