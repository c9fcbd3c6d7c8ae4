// SPDX-License-Identifier: Apache-2.0

internal import Balancing
public import Datapath
internal import Synchronization
public import WireTypes

/// What the datapath promises clients in its SYN-ACKs, address by address: what fits the way, less
/// what an endpoint that they may be sent to is known not to take.
public final class ListenerPromises: Sendable {
    private struct Entry {
        /// As far as the way is concerned.
        var full: ListenerPromise
        var given: ListenerPromise?
    }

    private struct State {
        var routes: RoutingSnapshot
        var entries: [TransportAddress: Entry] = [:]
        var version: UInt64 = 0
    }

    private let datapath: KernelDatapath
    private let state: Mutex<State>

    /// Promises nothing yet.
    public init(_ datapath: KernelDatapath, _ routes: RoutingSnapshot) {
        self.datapath = datapath
        state = Mutex(State(routes: routes))
    }

    /// Clients may be sent elsewhere from now on.
    public func use(_ routes: RoutingSnapshot) throws {
        try state.withLock { state in
            state.routes = routes
            for address in state.entries.keys { try give(at: address, &state) }
        }
    }

    /// Answers SYNs to `address` from now on.
    public func listen(on address: TransportAddress, _ promise: ListenerPromise) throws {
        try state.withLock { state in
            state.entries[address] = Entry(full: promise)
            try give(at: address, &state)
        }
    }

    /// Leaves SYNs to `address` to the stack from now on.
    public func stopListening(on address: TransportAddress) {
        state.withLock { $0.entries[address] = nil }
        datapath.stopListening(on: address)
    }

    /// Follows what was learned since the last call. True: a promise changed.
    func follow() throws -> Bool {
        try state.withLock { state in
            let version = state.routes.lessons.version
            guard version != state.version else { return false }
            state.version = version
            var changed = false
            for address in state.entries.keys {
                if try give(at: address, &state) { changed = true }
            }
            return changed
        }
    }

    @discardableResult
    private func give(at address: TransportAddress, _ state: inout State) throws -> Bool {
        guard let entry = state.entries[address] else { return false }
        var promise = entry.full
        let routes = state.routes
        promise.isPlain = routes.listeners[promise.listener]?.isPlain ?? false
        promise.tellsAcknowledgements =
            routes.listeners[promise.listener]?.servesSilentClients ?? false
        for target in routes.targets(behind: promise.listener) {
            promise.mss = min(promise.mss, max(routes.lessons.segment(of: target), 536))
            if routes.lessons.refusesTimestamps(target) { promise.promisesTimestamps = false }
        }
        guard promise != entry.given else { return false }
        try datapath.listen(on: address, promise)
        state.entries[address]?.given = promise
        return true
    }
}

extension RoutingSnapshot {
    /// Endpoints that clients of a listener may be spliced to.
    func targets(behind listener: UInt16) -> Set<Int> {
        guard let listener = listeners[listener] else { return [] }
        var clusters = listener.table.reachableClusters
        if let cluster = listener.defaultCluster { clusters.insert(cluster) }
        if let cluster = listener.nonTLSCluster { clusters.insert(cluster) }
        return Set(clusters.flatMap { self.clusters[$0].targets })
    }
}
