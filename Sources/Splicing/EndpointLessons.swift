// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What endpoints turned out not to take, learned from their SYN-ACKs: so that clients are promised
/// less, and nothing has to be relayed or cut for it. Kept until the daemon ends.
///
/// Read on the way of each connection: without a lock.
public final class EndpointLessons: Sendable {
    private final class Lesson: Sendable {
        /// MSS of its SYN-ACKs, the smallest so far.
        let segment = Atomic<UInt16>(.max)
        let refusesTimestamps = Atomic<Bool>(false)
    }

    private final class Changes: Sendable {
        let count = Atomic<UInt64>(0)
    }

    private let lessons: [Lesson]
    private let changes: Changes

    /// Nothing learned yet about `count` endpoints, but for the first ones what `earlier` knows and
    /// still learns.
    public init(count: Int, continuing earlier: EndpointLessons? = nil) {
        let known = earlier?.lessons ?? []
        lessons = known + (known.count..<count).map { _ in Lesson() }
        changes = earlier?.changes ?? Changes()
    }

    /// Moves on with each lesson.
    public var version: UInt64 { changes.count.load(ordering: .relaxed) }

    /// The largest segment that the endpoint takes, bytes of TCP payload and options.
    public func segment(of target: Int) -> UInt16 {
        lessons[target].segment.load(ordering: .relaxed)
    }

    /// Whether its SYN-ACK lacked timestamps that its SYN offered.
    public func refusesTimestamps(_ target: Int) -> Bool {
        lessons[target].refusesTimestamps.load(ordering: .relaxed)
    }

    func learn(segment: UInt16, of target: Int) {
        guard segment < self.segment(of: target) else { return }
        lessons[target].segment.store(segment, ordering: .relaxed)
        changes.count.add(1, ordering: .relaxed)
    }

    func learnRefusal(of target: Int) {
        let old = lessons[target].refusesTimestamps.exchange(true, ordering: .relaxed)
        if !old { changes.count.add(1, ordering: .relaxed) }
    }
}
