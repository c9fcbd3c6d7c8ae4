// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import Foundation
import HealthChecking
import KernelSockets
import Logging
import Relaying
import Settings
import Splicing
import Synchronization
import WireTypes

/// What people want of endpoints while the daemon runs, and until when. It outlives reloads, as far
/// as cluster and endpoint do, but no restart.
final class EndpointDesk: Sendable {
    /// What differs from the configuration.
    private struct Order {
        var administration = Administration.up
        /// nil: the configured one.
        var weight: Int?
        /// Each is as long as was said of it: CLOCK_MONOTONIC nanoseconds; nil: until another order.
        var administrationExpires: UInt64?
        var weightExpires: UInt64?
        /// When what is left of its connections is reset.
        var deadline: UInt64?
        /// The cluster's in the datapath, also when it is configured no more.
        var clusterID: UInt16

        var isNone: Bool { administration == .up && weight == nil }

        var expires: UInt64? { [administrationExpires, weightExpires].compactMap(\.self).min() }

        /// Says what `request` says, and leaves the rest as it was.
        mutating func take(_ request: ControlRequest, now: UInt64) {
            let until = { (time: Int?) in time.map { now + UInt64($0) * 1_000_000 } }
            if let wanted = request.weight {
                (weight, weightExpires) = (wanted, until(request.ttl))
            }
            if let wanted = request.state {
                (administration, administrationExpires) = (
                    wanted.administration, until(request.ttl)
                )
                deadline = until(request.deadline)
            }
        }

        /// Forgets what is over by now; whether the endpoint's state was among it.
        mutating func expire(now: UInt64) -> Bool {
            if let time = weightExpires, time <= now { (weight, weightExpires) = (nil, nil) }
            guard let time = administrationExpires, time <= now else { return false }
            (administration, administrationExpires, deadline) = (.up, nil, nil)
            return true
        }
    }

    private struct State {
        var routing: Routing
        var orders: [EndpointKey: Order] = [:]
    }

    /// Of a time to live or a deadline; milliseconds.
    private static let longest = 365 * 24 * 3_600_000

    private let state: Mutex<State>
    private let sweeper: FlowSweeper?
    private let datapath: KernelDatapath?
    private let relay: Relay
    private let news: HealthNews
    private let logger: Logger

    init(
        _ routing: Routing, _ sweeper: FlowSweeper?, _ datapath: KernelDatapath?, _ relay: Relay,
        _ news: HealthNews, _ logger: Logger
    ) {
        state = Mutex(State(routing: routing))
        self.sweeper = sweeper
        self.datapath = datapath
        self.relay = relay
        self.news = news
        self.logger = logger
    }

    /// Another configuration is in force; what was ordered of its endpoints holds for them.
    func use(_ routing: Routing) {
        let now = MonotonicClock.nanoseconds
        state.withLock { state in
            state.routing = routing
            var configured: Set<EndpointKey> = []
            // Also of those without an order: it may have been withdrawn after their states were taken
            // over from the configuration before.
            for (index, cluster) in routing.configuration.clusters.enumerated() {
                for (place, endpoint) in cluster.endpoints.enumerated() {
                    let key = EndpointKey(cluster: cluster.name, address: endpoint.address)
                    Self.carryOut(state.orders[key], index, place, state, now: now)
                    configured.insert(key)
                }
            }
            news.forget(allBut: configured)
        }
    }

    private func carryOut(_ order: Order?, _ key: EndpointKey, _ state: State, now: UInt64) {
        guard let cluster = try? Self.place(state, key.cluster),
            let endpoint = try? Self.place(state, "\(key.address)", in: cluster)
        else { return }
        Self.carryOut(order, cluster, endpoint, state, now: now)
    }

    private static func carryOut(
        _ order: Order?, _ cluster: Int, _ endpoint: Int, _ state: State, now: UInt64
    ) {
        let states = state.routing.snapshot.clusters[cluster].picker.states
        let configured = state.routing.configuration.clusters[cluster].endpoints[endpoint]
        states.set(administration: order?.administration ?? .up, of: endpoint, now: now)
        states.set(weight: order?.weight ?? configured.weight, of: endpoint, now: now)
    }

    /// All clusters, or the one of that name.
    func view(cluster: String?) throws -> [ClusterView] {
        let now = MonotonicClock.nanoseconds
        return try state.withLock { state in
            let all = state.routing.configuration.clusters
            guard let cluster else {
                return all.indices.map { view(state, $0, now: now) }
            }
            return [view(state, try Self.place(state, cluster), now: now)]
        }
    }

    /// Does what `request` wants of one endpoint; `user` asks.
    func set(_ request: ControlRequest, user: UInt32?) throws -> [ClusterView] {
        let now = MonotonicClock.nanoseconds
        for (word, time) in [("ttl", request.ttl), ("deadline", request.deadline)] {
            guard let time, !(1...Self.longest).contains(time) else { continue }
            throw Refusal("\(word) is \(time) ms; it may be 1 ms to 365 days")
        }
        return try state.withLock { state in
            let cluster = try Self.place(state, request.cluster ?? "")
            let endpoint = try Self.place(state, request.endpoint ?? "", in: cluster)
            let configured = state.routing.configuration.clusters[cluster]
            let address = configured.endpoints[endpoint].address
            let key = EndpointKey(cluster: configured.name, address: address)
            let id = state.routing.snapshot.clusters[cluster].id
            var order = state.orders[key] ?? Order(clusterID: id)
            let wasDown = order.administration == .forcedDown || order.deadline != nil
            order.take(request, now: now)
            state.orders[key] = order.isNone ? nil : order
            carryOut(order, key, state, now: now)
            // In force when we answer; and workers have heard by then of whom the datapath took there.
            if datapath?.hideKnownNames() ?? false { Thread.sleep(forTimeInterval: 0.06) }
            if request.state == .down {
                end(address, of: id, configured.onDown)
            } else if wasDown, request.state != nil {
                sweeper?.spare(flowsTo: address, of: id)
            }
            let view = view(state, cluster, endpoint, now: now)
            logger.notice(
                "endpoint set",
                metadata: [
                    "cluster": "\(configured.name)", "endpoint": "\(address)",
                    "state": "\(view.state.rawValue)", "weight": "\(view.weight)",
                    "uid": "\(user.map(String.init) ?? "unknown")",
                ])
            return [ClusterView(name: configured.name, endpoints: [view])]
        }
    }

    /// Carries out what is due; the answer is when the next thing is.
    func work(now: UInt64) -> UInt64? {
        state.withLock { state in
            for (key, var order) in state.orders {
                if let deadline = order.deadline, deadline <= now {
                    order.deadline = nil
                    endRest(of: order, key, state)
                }
                if let expires = order.expires, expires <= now {
                    if order.expire(now: now) {
                        sweeper?.spare(flowsTo: key.address, of: order.clusterID)
                    }
                    carryOut(order, key, state, now: now)
                    tellExpiry(of: order, key)
                }
                state.orders[key] = order.isNone ? nil : order
            }
            return state.orders.values.flatMap { [$0.expires, $0.deadline] }
                .compactMap(\.self).min()
        }
    }

    /// Also of an endpoint that left the configuration meanwhile.
    private func endRest(of order: Order, _ key: EndpointKey, _ state: State) {
        let snapshot = state.routing.snapshot
        let place = snapshot.targets.firstIndex { $0.address == key.address }
        logger.notice(
            "drain is over: what is left of the endpoint's connections is reset",
            metadata: [
                "cluster": "\(key.cluster)", "endpoint": "\(key.address)",
                "connections": "\(place.map { snapshot.loads[$0].active } ?? 0)",
            ])
        end(key.address, of: order.clusterID, .reset)
    }

    private func tellExpiry(of order: Order, _ key: EndpointKey) {
        logger.notice(
            order.isNone
                ? "endpoint is as configured again"
                : "a part of what was ordered of an endpoint is over",
            metadata: [
                "cluster": "\(key.cluster)", "endpoint": "\(key.address)",
                "state": "\(WantedState(order.administration).rawValue)",
            ])
    }

    private func end(_ address: TransportAddress, of cluster: UInt16, _ action: DownAction) {
        guard let pace = action.resetsPerSecond else { return }
        sweeper?.end(flowsTo: address, of: cluster, perSecond: pace)
        relay.end(connectionsTo: address, of: cluster)
    }

    private static func place(_ state: State, _ cluster: String) throws -> Int {
        let clusters = state.routing.configuration.clusters
        if let place = clusters.firstIndex(where: { $0.name == cluster }) { return place }
        let names = clusters.prefix(20).map(\.name).joined(separator: ", ")
        throw Refusal("no cluster \"\(cluster)\"; there are: \(names)")
    }

    private static func place(
        _ state: State, _ endpoint: String, in cluster: Int
    ) throws -> Int {
        let configured = state.routing.configuration.clusters[cluster]
        let addresses = configured.endpoints.map { "\($0.address)" }
        if let place = addresses.firstIndex(of: endpoint) { return place }
        throw Refusal(
            "no endpoint \"\(endpoint)\" in cluster \(configured.name); there are: "
                + addresses.prefix(20).joined(separator: ", "))
    }

    private func view(_ state: State, _ cluster: Int, now: UInt64) -> ClusterView {
        let configured = state.routing.configuration.clusters[cluster]
        return ClusterView(
            name: configured.name,
            endpoints: configured.endpoints.indices.map { view(state, cluster, $0, now: now) })
    }

    private func view(
        _ state: State, _ cluster: Int, _ endpoint: Int, now: UInt64
    ) -> EndpointView {
        let configured = state.routing.configuration.clusters[cluster]
        let states = state.routing.snapshot.clusters[cluster].picker.states
        let current = states[endpoint]
        let address = configured.endpoints[endpoint].address
        let name = EndpointKey(cluster: configured.name, address: address)
        let order = state.orders[name]
        let news = news.item(of: name, being: current.health)
        let left = { (time: UInt64?) in time.map { Int(($0 - min($0, now)) / 1_000_000) } }
        var view = EndpointView(
            address: "\(address)", state: WantedState(current.administration),
            health: current.health.rawValue, weight: current.weight,
            priority: configured.endpoints[endpoint].priority,
            connections: states.active(of: endpoint), ttl: left(order?.expires),
            deadline: left(order?.deadline))
        if let news {
            view.healthAge = Int((now - min(now, news.since)) / 1_000_000)
            view.cause = news.cause.rawValue
            view.lastError = news.lastError
        }
        return view
    }
}

extension WantedState {
    fileprivate init(_ administration: Administration) {
        self =
            switch administration {
            case .up: .auto
            case .draining: .drain
            case .forcedDown: .down
            case .forcedUp: .up
            }
    }

    fileprivate var administration: Administration {
        switch self {
        case .auto: .up
        case .drain: .draining
        case .down: .forcedDown
        case .up: .forcedUp
        }
    }
}
