// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// Splices that are over and still translate for a while, in the order of their time.
struct LingerQueue: Sendable {
    /// Small, since there are as many as connections end during a linger; the client's tuple stands
    /// in the flow table.
    struct Item: Sendable {
        /// Our end towards the endpoint.
        var source: TransportAddress
        /// The endpoint's index in the snapshot.
        var target: Int
        var createdNanoseconds: UInt64
        /// When it was over.
        var since: UInt64
    }

    private var items: [Item] = []
    private var first = 0

    var isEmpty: Bool { first == items.count }

    mutating func append(_ item: Item) { items.append(item) }

    /// The next item that was over by then.
    mutating func next(overBy time: UInt64) -> Item? {
        guard first < items.count, items[first].since <= time else { return nil }
        let item = items[first]
        first += 1
        if first == items.count || first > 4096 {
            items.removeFirst(first)
            first = 0
        }
        return item
    }
}
