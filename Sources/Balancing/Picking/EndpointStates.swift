// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The endpoints of one cluster as they are now. Health checks and commands write here, from any
/// thread; pickers go by what was published last, and notice a change by one atomic load.
public final class EndpointStates: Sendable {
    /// Who serves, before the look at anyone's state.
    struct Fixed: Sendable {
        let endpoints: [Endpoint]
        let balance: Balance
    }

    private struct State {
        var endpoints: [EndpointState]
        var tables = PickTables()
    }

    private let fixed: Fixed
    private let state: Mutex<State>
    private let published: Mutex<ServingSet>
    private let number = Atomic<UInt64>(0)
    private let panics = Atomic<UInt64>(0)
    let load: ClusterLoad

    init(_ fixed: Fixed, _ load: ClusterLoad) {
        self.fixed = fixed
        self.load = load
        var state = State(endpoints: fixed.endpoints.map { EndpointState(weight: $0.weight) })
        let serving = ServingSet(fixed, state.endpoints, &state.tables, version: 0)
        load.use(weights: serving.steadyWeights)
        self.state = Mutex(state)
        published = Mutex(serving)
    }

    /// How many endpoints there are.
    public var count: Int { fixed.endpoints.count }

    /// One endpoint as it is now.
    public subscript(index: Int) -> EndpointState { state.withLock { $0.endpoints[index] } }

    /// Connections of one endpoint, spliced and relayed, of all clusters that list its address.
    public func active(of index: Int) -> Int { load.active(of: index) }

    /// Whether no endpoint may get connections.
    public var isEmpty: Bool { serving.members.isEmpty }

    /// Whether all endpoints are used whatever their health, since too few are well.
    public var isPanic: Bool { serving.isPanic }

    /// How many connections were shared out without regard to health, since too few were well.
    public var panicPicks: UInt64 { panics.load(ordering: .relaxed) }

    /// Says what people want of an endpoint. `now`: CLOCK_MONOTONIC nanoseconds.
    public func set(administration: Administration, of index: Int, now: UInt64) {
        change(index, now: now) { $0.administration = administration }
    }

    /// Says what is known of an endpoint's health.
    public func set(health: EndpointHealth, of index: Int, now: UInt64) {
        change(index, now: now) { $0.health = health }
    }

    /// Says what share an endpoint gets, 0…65535. The tables of hashing policies are made anew, as
    /// if it had been configured so.
    public func set(weight: Int, of index: Int, now: UInt64) {
        change(index, now: now) { $0.weight = min(max(weight, 0), Int(UInt16.max)) }
    }

    /// Goes on with what is known, and wanted by people, of endpoints that were in another cluster at
    /// the same address. Their weights are those of the configuration.
    public func takeOver(_ others: EndpointStates, now: UInt64) {
        let known = Dictionary(
            zip(others.fixed.endpoints.map(\.address), others.state.withLock { $0.endpoints }),
            uniquingKeysWith: { first, _ in first })
        for (index, endpoint) in fixed.endpoints.enumerated() {
            guard let other = known[endpoint.address] else { continue }
            change(index, now: now) {
                $0.administration = other.administration
                $0.health = other.health
            }
        }
    }

    private func change(_ index: Int, now: UInt64, _ body: (inout EndpointState) -> Void) {
        state.withLock { state in
            let before = state.endpoints[index]
            body(&state.endpoints[index])
            guard state.endpoints[index] != before else { return }
            if !state.endpoints[index].isAvailable {
                state.endpoints[index].warmingSince = nil
            } else if !before.isAvailable, fixed.balance.slowStart > .zero {
                state.endpoints[index].warmingSince = now
            }
            publish(&state)
        }
    }

    /// Lets those whose share has risen long enough be like all others.
    func settle(now: UInt64) {
        let window = fixed.balance.slowStart.wholeNanoseconds
        state.withLock { state in
            var isChanged = false
            for index in state.endpoints.indices {
                guard let since = state.endpoints[index].warmingSince, since + window <= now
                else { continue }
                state.endpoints[index].warmingSince = nil
                isChanged = true
            }
            if isChanged { publish(&state) }
        }
    }

    private func publish(_ state: inout State) {
        let version = number.load(ordering: .relaxed) + 1
        let serving = ServingSet(fixed, state.endpoints, &state.tables, version: version)
        published.withLock { $0 = serving }
        load.use(weights: serving.steadyWeights)
        number.store(version, ordering: .releasing)
    }

    /// Moves on with each change.
    public var version: UInt64 { number.load(ordering: .acquiring) }

    /// Who serves now.
    var serving: ServingSet { published.withLock { $0 } }

    func countPanic() { panics.add(1, ordering: .relaxed) }
}

extension Duration {
    /// Nanoseconds, at least 0.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
