// SPDX-License-Identifier: Apache-2.0

/// Deadlines of things known by number, the earliest first: a binary heap.
///
/// Entries are never removed: who takes one checks whether it still means something.
struct DeadlineQueue {
    struct Entry: Equatable {
        /// CLOCK_MONOTONIC nanoseconds.
        var deadline: UInt64
        var token: UInt64
    }

    private var heap: [Entry] = []

    /// The earliest deadline.
    var next: UInt64? { heap.first?.deadline }

    mutating func insert(_ token: UInt64, at deadline: UInt64) {
        heap.append(Entry(deadline: deadline, token: token))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].deadline < heap[parent].deadline else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest entry if its time has come.
    mutating func take(until now: UInt64) -> Entry? {
        guard let first = heap.first, first.deadline <= now else { return nil }
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
            where child < heap.count && heap[child].deadline < heap[least].deadline {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
