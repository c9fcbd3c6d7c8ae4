// SPDX-License-Identifier: Apache-2.0

public import Datapath
internal import Synchronization

/// What the daemon counts, added up by all its threads and shown in a map once in a while.
public final class SplicerCounters: Sendable {
    private final class Count: Sendable {
        let value: Atomic<UInt64>
        let published: Atomic<UInt64>

        init(_ start: UInt64) {
            value = Atomic(start)
            published = Atomic(start)
        }
    }

    private let counts: [Count]

    /// Goes on from what an earlier daemon left in the map; from zero without a datapath.
    public init(continuing datapath: KernelDatapath? = nil) {
        counts = DaemonCounter.allCases.map { Count(datapath?.value(of: $0) ?? 0) }
    }

    /// How often it happened.
    public func value(of counter: DaemonCounter) -> UInt64 {
        counts[Int(counter.rawValue)].value.load(ordering: .relaxed)
    }

    /// Counts one more.
    public func increment(_ counter: DaemonCounter) {
        counts[Int(counter.rawValue)].value.add(1, ordering: .relaxed)
    }

    /// Writes what changed to the map. One system call a counter; called by one thread.
    public func publish(to datapath: KernelDatapath) {
        for counter in DaemonCounter.allCases {
            let count = counts[Int(counter.rawValue)]
            let value = count.value.load(ordering: .relaxed)
            guard count.published.exchange(value, ordering: .relaxed) != value else { continue }
            datapath.publish(counter, value)
        }
    }
}
