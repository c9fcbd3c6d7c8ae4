// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// Clients whose hello is not whole, oldest first; those that went on are passed over.
struct ReaderQueue {
    private var items: [(client: FlowTuple, since: UInt64)] = []
    private var start = 0

    mutating func append(_ client: FlowTuple, since: UInt64) { items.append((client, since)) }

    /// The oldest that still reads, and whose `since` is what it was.
    mutating func first(
        in pending: [FlowTuple: PendingClient],
        since time: KeyPath<PendingClient, UInt64> = \.since
    ) -> PendingClient? {
        while start < items.count {
            let (tuple, since) = items[start]
            if let client = pending[tuple], client.splice == nil, !client.isClassified,
                client[keyPath: time] == since
            {
                return client
            }
            removeFirst()
        }
        return nil
    }

    mutating func removeFirst() {
        start += 1
        if start == items.count || start > 4096 {
            items.removeFirst(start)
            start = 0
        }
    }
}
