// SPDX-License-Identifier: Apache-2.0

/// When which endpoint of which cluster is to be looked at, the earliest first: a binary heap.
///
/// Entries are never removed: who takes one asks the endpoint whether its time has come.
public struct WakeQueue: Sendable {
    /// One endpoint and its time.
    public struct Entry: Hashable, Sendable {
        /// CLOCK_MONOTONIC nanoseconds.
        public var time: UInt64
        /// The cluster's place in the configuration.
        public var cluster: Int
        /// The endpoint's place in the cluster.
        public var endpoint: Int

        /// An entry.
        public init(time: UInt64, cluster: Int, endpoint: Int) {
            self.time = time
            self.cluster = cluster
            self.endpoint = endpoint
        }
    }

    private var heap: [Entry] = []

    /// An empty queue.
    public init() {}

    /// The earliest time.
    public var next: UInt64? { heap.first?.time }

    /// Adds an entry.
    public mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].time < heap[parent].time else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest entry if its time has come.
    public mutating func take(until now: UInt64) -> Entry? {
        guard let first = heap.first, first.time <= now else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return first
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].time < heap[least].time {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
