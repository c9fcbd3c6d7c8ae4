// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// One thread's way to the log: records wait here until the log's own thread takes them, so nobody
/// waits for a disk. Past a number of them they are dropped and counted.
public final class ConnectionLane: Sendable {
    private struct Waiting {
        var records: [ConnectionRecord] = []
        var dropped = 0
    }

    private let capacity: Int
    private let waiting = Mutex(Waiting())

    /// A lane for so many records at a time.
    public init(capacity: Int) { self.capacity = capacity }

    /// Leaves a record. No system call; a lock that only the log's thread takes as well, for moments.
    public func append(_ record: ConnectionRecord) {
        waiting.withLock { waiting in
            if waiting.records.count < capacity {
                waiting.records.append(record)
            } else {
                waiting.dropped += 1
            }
        }
    }

    /// Takes all records, in whose place an empty list with room is left.
    func take(into records: inout [ConnectionRecord]) {
        records.removeAll(keepingCapacity: true)
        waiting.withLock { swap(&$0.records, &records) }
    }

    /// How many were dropped since the last call.
    func takeDropped() -> Int {
        waiting.withLock { waiting in
            defer { waiting.dropped = 0 }
            return waiting.dropped
        }
    }
}
