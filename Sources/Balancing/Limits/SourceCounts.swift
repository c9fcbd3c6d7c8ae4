// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// How many connections the clients of each block of addresses have.
public final class SourceCounts: Sendable {
    /// What they may have.
    public let limit: SourceLimit
    private let most: Int
    private let changed: @Sendable (AddressBlock, _ isFull: Bool) -> Void
    private let counts = Shards<Int>()

    /// No connection yet. `changed` is told when a block has got all that it may have, and when it
    /// has not any more; in a dry run never.
    public init(
        _ limit: SourceLimit, changed: @escaping @Sendable (AddressBlock, _ isFull: Bool) -> Void
    ) {
        self.limit = limit
        most = limit.connections ?? .max
        self.changed = changed
    }

    /// How many blocks have connections.
    public var blocks: Int { counts.count }

    /// One connection more; false, and nothing is counted, when its block may have no more. `forced`:
    /// it is there already.
    func take(_ source: IPAddress, forced: Bool) -> Bool {
        guard let block = limit.block(of: source) else { return true }
        return counts.with(block) { counts in
            let count = (counts[block] ?? 0) + 1
            if count > most, !forced { return false }
            counts[block] = count
            // Under the lock, or two changes might be told in the wrong order.
            if count == most { tell(block, isFull: true) }
            return true
        }
    }

    /// One connection less.
    func giveBack(_ source: IPAddress) {
        guard let block = limit.block(of: source) else { return }
        counts.with(block) { counts in
            guard let count = counts[block] else { return }
            counts[block] = count > 1 ? count - 1 : nil
            if count == most { tell(block, isFull: false) }
        }
    }

    private func tell(_ block: AddressBlock, isFull: Bool) {
        if !limit.isDryRun { changed(block, isFull) }
    }
}
