// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WireTypes

/// A dictionary by blocks of addresses in parts, each with a lock of its own that nobody holds for
/// long.
final class Shards<Value: Sendable>: Sendable {
    private final class Shard: Sendable {
        let values = Mutex<[AddressBlock: Value]>([:])
    }

    private let shards = (0..<16).map { _ in Shard() }

    /// Calls `body` with the part that `block` is in.
    func with<Result: Sendable>(
        _ block: AddressBlock, _ body: (inout [AddressBlock: Value]) -> Result
    ) -> Result {
        let hash = StableHash.mix(block.base.high ^ StableHash.mix(block.base.low))
        return shards[StableHash.place(hash, below: shards.count)].values.withLock {
            body(&$0)
        }
    }

    /// Calls `body` with each value, under the lock of its part.
    func forEach(_ body: (AddressBlock, Value) -> Void) {
        for shard in shards { shard.values.withLock { $0.forEach { body($0.key, $0.value) } } }
    }

    /// How many values there are.
    var count: Int { shards.reduce(0) { $0 + $1.values.withLock { $0.count } } }
}
