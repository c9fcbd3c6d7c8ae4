// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What is counted of one endpoint's address, by all workers and the relay.
final class LoadFigures: Sendable {
    let connections = Atomic<Int>(0)
    /// Moving average of the time to connect, nanoseconds; 0: never measured.
    let average = Atomic<UInt64>(0)
    /// When it was measured last.
    let measured = Atomic<UInt64>(0)

    var active: Int { connections.load(ordering: .relaxed) }
}

/// What an endpoint has to do: its connections, and how long it takes to answer. Shared by all
/// clusters that list the same address, since what they send there meets in one server.
///
/// A connection counts from when its SYN is sent until its flows have left the table, or its relay
/// is over.
public final class EndpointLoad: Sendable {
    let figures = LoadFigures()
    /// Held for each change of the count, so that who begins to follow misses none: two a
    /// connection, of some nanoseconds.
    private let followers = Mutex<[LoadFollower]>([])

    /// Without connections.
    public init() {}

    /// Connections now.
    public var active: Int { figures.active }

    /// One connection more.
    public func open() {
        followers.withLock { followers in
            figures.connections.add(1, ordering: .relaxed)
            for follower in followers { follower.cluster.didOpen(follower.index) }
        }
    }

    /// One connection less.
    public func close() {
        followers.withLock { followers in
            figures.connections.subtract(1, ordering: .relaxed)
            for follower in followers { follower.cluster.didClose(follower.index) }
        }
    }

    /// Takes in how long a connection took to be answered, or how long was waited in vain; an eighth
    /// of the average, as TCP does it (RFC 6298 §2). Both in nanoseconds.
    public func observe(connectTime sample: UInt64, now: UInt64) {
        let old = connectTime(now: now)
        // Of two samples at the same moment one may be lost.
        figures.average.store(
            max(old == 0 ? sample : old - old / 8 + sample / 8, 1), ordering: .relaxed)
        figures.measured.store(now, ordering: .relaxed)
    }

    /// The usual time to connect in nanoseconds; 0 when nothing is known.
    public func connectTime(now: UInt64) -> UInt64 { figures.connectTime(now: now) }

    /// Tells `follower` of each opening and end from now on; its cluster takes in those before.
    func follow(_ follower: LoadFollower) {
        followers.withLock { followers in
            followers.append(follower)
            follower.cluster.begin(with: figures.active)
        }
    }

    /// Tells `cluster` no more.
    func unfollow(_ cluster: ClusterLoad) {
        followers.withLock { $0.removeAll { $0.cluster === cluster } }
    }
}

extension LoadFigures {
    /// A silence of so long halves what was measured, so that who was slow is asked again.
    private static let halfLife: UInt64 = 10_000_000_000

    func connectTime(now: UInt64) -> UInt64 {
        let last = measured.load(ordering: .relaxed)
        let silence = now > last ? now - last : 0
        return average.load(ordering: .relaxed) >> min(silence / Self.halfLife, 63)
    }
}

/// One cluster's interest in an endpoint, by its place there.
struct LoadFollower: Sendable {
    let cluster: ClusterLoad
    let index: Int
}
