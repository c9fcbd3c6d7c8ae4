// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import Synchronization
internal import WireTypes

/// An endpoint as flows name it.
struct DownedEndpoint: Hashable {
    var address: TransportAddress
    /// Id in the name table.
    var cluster: UInt16
}

/// Whose flows are to end, from whichever thread decided it to the sweeper's.
final class DownOrders: Sendable {
    struct Orders {
        /// With how many flows a second.
        var added: [DownedEndpoint: Int] = [:]
        var cancelled: Set<DownedEndpoint> = []
    }

    private let orders = Mutex(Orders())

    func add(_ endpoint: DownedEndpoint, perSecond: Int) {
        orders.withLock { orders in
            orders.added[endpoint] = perSecond
            orders.cancelled.remove(endpoint)
        }
    }

    func cancel(_ endpoint: DownedEndpoint) {
        orders.withLock { orders in
            orders.added[endpoint] = nil
            orders.cancelled.insert(endpoint)
        }
    }

    /// All since the last call.
    func take() -> Orders {
        orders.withLock { orders in
            defer { orders = Orders() }
            return orders
        }
    }
}

/// Flows of endpoints that are down, each list on its way out at its own pace. Used by one thread.
struct DownedFlows {
    private struct List {
        var rows: [SpliceRow] = []
        let perSecond: Int
        let start: UInt64
        /// How many were given out.
        var done = 0
        var isComplete = false
    }

    private var lists: [DownedEndpoint: List] = [:]

    /// Whether nothing is on its way out.
    var isEmpty: Bool { lists.isEmpty }

    /// Takes up orders; those of `added` are to be looked for.
    mutating func follow(_ orders: DownOrders.Orders, now: UInt64) {
        for endpoint in orders.cancelled { lists[endpoint] = nil }
        for (endpoint, perSecond) in orders.added {
            lists[endpoint] = List(perSecond: perSecond, start: now)
        }
    }

    /// One row of a walk through the table. Connecting ones are not taken: their worker sees to them.
    mutating func look(at row: SpliceRow) {
        guard row.isUpstream, row.state == .established || row.state == .closing else { return }
        let endpoint = DownedEndpoint(address: row.upstream.destination, cluster: row.cluster)
        guard lists[endpoint]?.isComplete == false else { return }
        lists[endpoint]?.rows.append(row)
    }

    /// The walk is over.
    mutating func didLook() {
        for endpoint in lists.keys { lists[endpoint]?.isComplete = true }
    }

    /// Rows whose time has come.
    mutating func next(now: UInt64) -> [SpliceRow] {
        var due: [SpliceRow] = []
        for (endpoint, list) in lists {
            let elapsed = now > list.start ? now - list.start : 0
            // A tenth of a second's worth at once: the first ones do not wait for it.
            let earned = elapsed / 1_000_000 * UInt64(list.perSecond) / 1000
            let allowed = Int(clamping: earned) + max(list.perSecond / 10, 1)
            let end = min(list.rows.count, max(allowed, list.done))
            due += list.rows[list.done..<end]
            lists[endpoint]?.done = end
        }
        return due
    }

    /// Lists that are at their end, and how many rows they had.
    mutating func takeFinished() -> [(DownedEndpoint, Int)] {
        let over = lists.filter { $0.value.isComplete && $0.value.done == $0.value.rows.count }
        for endpoint in over.keys { lists[endpoint] = nil }
        return over.map { ($0.key, $0.value.done) }
    }
}
