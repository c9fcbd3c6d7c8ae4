// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Chooses endpoints for the connections of a cluster. All copies choose together: turns, loads and
/// states are shared, so that many threads follow the one order exactly.
///
/// A choice takes no lock and allocates nothing. After a change of ``states`` the first one of each
/// copy takes what was published, under a lock that nobody holds for longer than that.
public struct Picker: Sendable {
    /// How the endpoints are: to be changed by health checks and commands.
    public let states: EndpointStates
    var choice: Choice

    final class Shared: Sendable {
        let balance: Balance
        let slowStart: UInt64
        let load: ClusterLoad
        let seed: UInt64
        /// By place in the cluster; empty when no endpoint has one.
        let caps: [ConnectionCap?]
        private let position: Atomic<UInt64>

        init(
            _ balance: Balance, _ load: ClusterLoad, _ caps: [ConnectionCap?], seed: UInt64,
            start: UInt64
        ) {
            self.balance = balance
            slowStart = balance.slowStart.wholeNanoseconds
            self.load = load
            self.caps = caps
            self.seed = seed
            position = Atomic(start)
        }

        /// The number of a turn that nobody else has.
        func takeTurn() -> UInt64 { position.wrappingAdd(1, ordering: .relaxed).oldValue }
    }

    /// A picker of `endpoints`, of which there is at least one.
    ///
    /// - Parameters:
    ///   - loads: What counts their connections, in the same order.
    ///   - caps: Bounds of their connections, in the same order; empty: none has one. Who is full is
    ///     passed over.
    ///   - seed: What random choices come of; different ones keep balancers out of step.
    ///   - start: The turn to begin with.
    public init(
        _ endpoints: [Endpoint], loads: [EndpointLoad], balance: Balance = Balance(),
        caps: [ConnectionCap?] = [], seed: UInt64 = 0, start: UInt64 = 0
    ) {
        precondition(!endpoints.isEmpty && endpoints.count <= Cluster.endpointLimit)
        precondition(endpoints.count == loads.count)
        precondition(caps.isEmpty || endpoints.count == caps.count)
        let load = ClusterLoad(loads, findsLeast: balance.policy == .leastConnections)
        states = EndpointStates(.init(endpoints: endpoints, balance: balance), load)
        choice = Choice(
            shared: Shared(balance, load, caps, seed: seed, start: start), serving: states.serving)
    }

    /// The index of the endpoint for a client's connection; nil when none that serves is left.
    ///
    /// - Parameters:
    ///   - client: What hashing policies go by.
    ///   - tried: Endpoints that this connection was refused by. They are stepped over without
    ///     taking the turns of other connections.
    ///   - now: CLOCK_MONOTONIC nanoseconds.
    public mutating func pick(
        for client: ClientKey, excluding tried: TriedEndpoints = TriedEndpoints(), now: UInt64
    ) -> Int? {
        follow(now: now)
        if !tried.isEmpty || !choice.tried.isEmpty { choice.tried = tried }
        guard !serving.members.isEmpty else { return nil }
        if serving.isPanic { states.countPanic() }
        return choose(for: client)
            ?? serving.reserve.first { !tried.contains(Int($0)) && !choice.isFull(Int($0)) }
            .map { Int($0) }
    }

    /// The version of ``states`` by which the last choice was made.
    public var version: UInt64 { serving.version }

    var shared: Shared { choice.shared }
    var serving: ServingSet { choice.serving }

    /// Goes by the states that were published last.
    mutating func follow(now: UInt64) {
        choice.now = now
        if states.version != serving.version { choice.serving = states.serving }
        if !serving.warming.isEmpty { settle(now: now) }
    }

    /// Whether the client's port is hashed with its address.
    public var hashesPort: Bool {
        shared.balance.policy == .maglev && shared.balance.hashKey == .sourcePort
    }

    /// Whether there would be an endpoint for a client, were it not for their bounds: those that
    /// may get connections were tried or have all that they may have, one of them at least.
    public func isFull(besides tried: TriedEndpoints = TriedEndpoints()) -> Bool {
        guard !shared.caps.isEmpty else { return false }
        let serving = states.serving
        guard !serving.members.isEmpty else { return false }
        let all = (serving.members + serving.reserve).map { Int($0) }
        let full = all.filter { shared.caps[$0]?.isFull ?? false }
        return !full.isEmpty && all.allSatisfy { full.contains($0) || tried.contains($0) }
    }

    /// Follows its endpoints' connections no more: once nobody picks any more.
    public func retire() { shared.load.retire() }

    private func choose(for client: ClientKey) -> Int? {
        switch shared.balance.policy {
        case .roundRobin: choice.inTurn()
        case .leastConnections: choice.leastLoaded()
        case .randomOfTwo, .leastTime: choice.ofTwo()
        case .sourceHash: choice.bySlot(client.hash(by: .source))
        case .maglev: choice.bySlot(client.hash(by: shared.balance.hashKey))
        case .ring: choice.byPoint(client.hash(by: shared.balance.hashKey))
        }
    }

    private mutating func settle(now: UInt64) {
        let isOver = serving.warming.contains { index in
            serving.warmingSince[Int(index)].map { $0 + shared.slowStart <= now } ?? false
        }
        guard isOver else { return }
        states.settle(now: now)
        choice.serving = states.serving
    }
}
