// SPDX-License-Identifier: Apache-2.0

import Balancing
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
    private struct Key: Hashable {
        var cluster: String
        var address: TransportAddress
    }

    /// What differs from the configuration.
    private struct Order {
        var administration = Administration.up
        /// nil: the configured one.
        var weight: Int?
        /// CLOCK_MONOTONIC nanoseconds; nil: until another order.
        var expires: UInt64?
        var deadline: UInt64?

        var isNone: Bool { administration == .up && weight == nil }
    }

    private struct State {
        var routing: Routing
        var orders: [Key: Order] = [:]
    }

    /// Of a time to live or a deadline; milliseconds.
    private static let longest = 365 * 24 * 3_600_000

    private let state: Mutex<State>
    private let sweeper: FlowSweeper?
    private let relay: Relay
    private let logger: Logger

    init(_ routing: Routing, _ sweeper: FlowSweeper?, _ relay: Relay, _ logger: Logger) {
        state = Mutex(State(routing: routing))
        self.sweeper = sweeper
        self.relay = relay
        self.logger = logger
    }

    /// Another configuration is in force; what was ordered of its endpoints holds for them.
    func use(_ routing: Routing) {
        let now = MonotonicClock.nanoseconds
        state.withLock { state in
            state.routing = routing
            // Also of those without an order: it may have been withdrawn after their states were taken
            // over from the configuration before.
            for (index, cluster) in routing.configuration.clusters.enumerated() {
                for (place, endpoint) in cluster.endpoints.enumerated() {
                    let key = Key(cluster: cluster.name, address: endpoint.address)
                    Self.carryOut(state.orders[key] ?? Order(), index, place, state, now: now)
                }
            }
        }
    }

    private func carryOut(_ order: Order, _ key: Key, _ state: State, now: UInt64) {
        guard let cluster = try? Self.place(state, key.cluster),
            let endpoint = try? Self.place(state, "\(key.address)", in: cluster)
        else { return }
        Self.carryOut(order, cluster, endpoint, state, now: now)
    }

    private static func carryOut(
        _ order: Order, _ cluster: Int, _ endpoint: Int, _ state: State, now: UInt64
    ) {
        let states = state.routing.snapshot.clusters[cluster].picker.states
        let configured = state.routing.configuration.clusters[cluster].endpoints[endpoint]
        states.set(administration: order.administration, of: endpoint, now: now)
        states.set(weight: order.weight ?? configured.weight, of: endpoint, now: now)
    }

    /// All clusters, or the one of that name.
    func view(cluster: String?) throws -> [ClusterView] {
        let now = MonotonicClock.nanoseconds
        return try state.withLock { state in
            let all = state.routing.configuration.clusters
            guard let cluster else {
                return all.indices.map { Self.view(state, $0, now: now) }
            }
            return [Self.view(state, try Self.place(state, cluster), now: now)]
        }
    }

    /// Does what `request` wants of one endpoint; `user` asks.
    func set(_ request: ControlRequest, user: UInt32?) throws -> [ClusterView] {
        let now = MonotonicClock.nanoseconds
        for (word, time) in [("ttl", request.ttl), ("deadline", request.deadline)] {
            guard let time, !(1...Self.longest).contains(time) else { continue }
            throw Refusal("\(word) is \(time) ms; it may be 1 ms to 365 days")
        }
        let until = { (time: Int?) in time.map { now + UInt64($0) * 1_000_000 } }
        return try state.withLock { state in
            let cluster = try Self.place(state, request.cluster ?? "")
            let endpoint = try Self.place(state, request.endpoint ?? "", in: cluster)
            let configured = state.routing.configuration.clusters[cluster]
            let address = configured.endpoints[endpoint].address
            let key = Key(cluster: configured.name, address: address)
            var order = state.orders[key] ?? Order()
            let wasDown = order.administration == .forcedDown || order.deadline != nil
            order.weight = request.weight ?? order.weight
            if let wanted = request.state { order.administration = wanted.administration }
            (order.expires, order.deadline) = (until(request.ttl), until(request.deadline))
            state.orders[key] = order.isNone ? nil : order
            carryOut(order, key, state, now: now)
            if request.state == .down {
                end(address, configured.onDown, state, cluster)
            } else if wasDown, request.state != nil {
                spare(address, state, cluster)
            }
            let view = Self.view(state, cluster, endpoint, now: now)
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
            for (key, order) in state.orders {
                if let deadline = order.deadline, deadline <= now {
                    state.orders[key]?.deadline = nil
                    endRest(key, state)
                }
                if let expires = order.expires, expires <= now {
                    state.orders[key] = nil
                    restore(key, state, now: now)
                }
            }
            return state.orders.values.flatMap { [$0.expires, $0.deadline] }
                .compactMap(\.self).min()
        }
    }

    private func endRest(_ key: Key, _ state: State) {
        guard let cluster = try? Self.place(state, key.cluster),
            let endpoint = try? Self.place(state, "\(key.address)", in: cluster)
        else { return }
        let states = state.routing.snapshot.clusters[cluster].picker.states
        logger.notice(
            "drain is over: what is left of the endpoint's connections is reset",
            metadata: [
                "cluster": "\(key.cluster)", "endpoint": "\(key.address)",
                "connections": "\(states.active(of: endpoint))",
            ])
        end(key.address, .reset, state, cluster)
    }

    private func restore(_ key: Key, _ state: State, now: UInt64) {
        carryOut(Order(), key, state, now: now)
        if let cluster = try? Self.place(state, key.cluster) { spare(key.address, state, cluster) }
        logger.notice(
            "endpoint is as configured again",
            metadata: ["cluster": "\(key.cluster)", "endpoint": "\(key.address)"])
    }

    private func end(
        _ address: TransportAddress, _ action: DownAction, _ state: State, _ cluster: Int
    ) {
        guard let pace = action.resetsPerSecond else { return }
        let id = state.routing.snapshot.clusters[cluster].id
        sweeper?.end(flowsTo: address, of: id, perSecond: pace)
        relay.end(connectionsTo: address, of: id)
    }

    /// Lets those go on that are not ended yet.
    private func spare(_ address: TransportAddress, _ state: State, _ cluster: Int) {
        sweeper?.spare(flowsTo: address, of: state.routing.snapshot.clusters[cluster].id)
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

    private static func view(_ state: State, _ cluster: Int, now: UInt64) -> ClusterView {
        let configured = state.routing.configuration.clusters[cluster]
        return ClusterView(
            name: configured.name,
            endpoints: configured.endpoints.indices.map { view(state, cluster, $0, now: now) })
    }

    private static func view(
        _ state: State, _ cluster: Int, _ endpoint: Int, now: UInt64
    ) -> EndpointView {
        let configured = state.routing.configuration.clusters[cluster]
        let states = state.routing.snapshot.clusters[cluster].picker.states
        let current = states[endpoint]
        let address = configured.endpoints[endpoint].address
        let order = state.orders[Key(cluster: configured.name, address: address)]
        let left = { (time: UInt64?) in time.map { Int(($0 - min($0, now)) / 1_000_000) } }
        return EndpointView(
            address: "\(address)", state: WantedState(current.administration),
            health: current.health.rawValue, weight: current.weight,
            priority: configured.endpoints[endpoint].priority,
            connections: states.active(of: endpoint), ttl: left(order?.expires),
            deadline: left(order?.deadline))
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
