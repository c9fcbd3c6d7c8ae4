// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import WireTypes

/// How many connections the clients of each block of addresses have. Lives on while its bound changes.
public final class SourceCounts: Sendable {
    private let blocks: SourceLimit
    /// The most connections of a block.
    private let most: Atomic<Int>
    /// How many make a block that others are told of as full.
    private let told: Atomic<Int>
    private let changed: @Sendable (AddressBlock, _ isFull: Bool) -> Void
    private let counts = Shards<Int>()

    /// No connection yet. `changed` is told when a block has got all that it may have, and when it
    /// has not any more; in a dry run never.
    public init(
        _ limit: SourceLimit, changed: @escaping @Sendable (AddressBlock, _ isFull: Bool) -> Void
    ) {
        blocks = limit
        most = Atomic(limit.connections ?? .max)
        told = Atomic(Self.told(limit))
        self.changed = changed
    }

    /// Whether `limit` is of the same blocks.
    public func canFollow(_ limit: SourceLimit) -> Bool {
        blocks.prefixLengthV4 == limit.prefixLengthV4
            && blocks.prefixLengthV6 == limit.prefixLengthV6
    }

    /// Goes by another bound; nil: by none, which leaves no block full.
    public func follow(_ limit: SourceLimit?) {
        most.store(limit?.connections ?? .max, ordering: .relaxed)
        let new = limit.map(Self.told) ?? .max
        // Connections that are counted meanwhile may be told once too often, which does no harm.
        let old = told.exchange(new, ordering: .relaxed)
        counts.forEach { block, count in
            if (count >= old) != (count >= new) { changed(block, count >= new) }
        }
    }

    private static func told(_ limit: SourceLimit) -> Int {
        limit.isDryRun ? .max : limit.connections ?? .max
    }

    /// How many blocks have connections.
    public var blockCount: Int { counts.count }

    /// One connection more; false, and nothing is counted, when its block may have no more. `forced`:
    /// it is there already.
    func take(_ source: IPAddress, forced: Bool) -> Bool {
        guard let block = blocks.block(of: source) else { return true }
        return counts.with(block) { counts in
            let count = (counts[block] ?? 0) + 1
            if !forced, count > most.load(ordering: .relaxed) { return false }
            counts[block] = count
            // Under the lock, or two changes might be told in the wrong order.
            if count == told.load(ordering: .relaxed) { changed(block, true) }
            return true
        }
    }

    /// One connection less.
    func giveBack(_ source: IPAddress) {
        guard let block = blocks.block(of: source) else { return }
        counts.with(block) { counts in
            guard let count = counts[block] else { return }
            counts[block] = count > 1 ? count - 1 : nil
            if count == told.load(ordering: .relaxed) { changed(block, false) }
        }
    }
}
