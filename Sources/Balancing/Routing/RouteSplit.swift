// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import WireTypes

/// Clients shared out between clusters by weight: exactly, in turn, or each source always to the
/// same. Copies share the turns.
public struct RouteSplit: Hashable, Sendable {
    /// A cluster, by its place in the configuration's list, and its weight, 0 or more.
    public struct Share: Hashable, Sendable {
        /// The cluster.
        public let cluster: Int
        /// Its weight relative to the others.
        public let weight: Int

        /// A share.
        public init(cluster: Int, weight: Int) {
            self.cluster = cluster
            self.weight = weight
        }
    }

    private final class Turn: Sendable {
        let number = Atomic<UInt64>(0)
    }

    /// In the order given; one of them has a weight.
    public let shares: [Share]
    /// Whether a source always goes to the same cluster.
    public let isSticky: Bool
    private let steps: [UInt16]
    private let turn = Turn()

    /// A split; the sum of its weights is above 0.
    public init(_ shares: [Share], isSticky: Bool = false) {
        precondition(shares.contains { $0.weight > 0 })
        self.shares = shares
        self.isSticky = isSticky
        steps = SmoothCycle.steps(weights: shares.map(\.weight))
    }

    /// The cluster for a client.
    public func cluster(for source: IPAddress) -> Int {
        guard isSticky else {
            let turn = turn.number.wrappingAdd(1, ordering: .relaxed).oldValue
            return shares[Int(steps[Int(turn % UInt64(steps.count))])].cluster
        }
        // Not the hash that the cluster's own policy goes by: it would see one part of it only.
        let hash = StableHash.mix(~StableHash.of(source))
        var place = StableHash.place(hash, below: shares.reduce(0) { $0 + $1.weight })
        for share in shares {
            if place < share.weight { return share.cluster }
            place -= share.weight
        }
        return shares[0].cluster
    }

    /// Whether both share out alike; whose turn it is does not count.
    public static func == (left: RouteSplit, right: RouteSplit) -> Bool {
        left.shares == right.shares && left.isSticky == right.isSticky
    }

    /// As for ``==(_:_:)``.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(shares)
        hasher.combine(isSticky)
    }
}
