// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// The lookup table of Maglev (Eisenbud et al., NSDI 2016, §3.4), with weights.
///
/// Every endpoint has its own order in which it would like the slots, and in turn each takes the
/// first that is still free. Who has how many slots follows from the weights to within one slot.
enum MaglevTable {
    /// One endpoint and its share.
    struct Entry {
        let index: UInt16
        let address: TransportAddress
        let weight: Int
    }

    /// Which endpoint each of `size` slots belongs to: the same for the same entries in any order.
    /// Empty when there are none. `size` is a prime, not less than the entries.
    static func slots(_ entries: [Entry], size: Int) -> [UInt16] {
        let entries = entries.filter { $0.weight > 0 }.sorted { $0.address < $1.address }
        guard !entries.isEmpty, size >= entries.count else { return [] }
        var wishes = entries.map { Wishes($0.address, size: size) }
        var slots = [UInt16](repeating: .max, count: size)
        for turn in turns(entries.map(\.weight), size: size) {
            let slot = wishes[turn].firstFree(in: slots)
            slots[slot] = entries[turn].index
        }
        return slots
    }

    /// Whose turn it is, slot by slot.
    private static func turns(_ weights: [Int], size: Int) -> [Int] {
        if weights.allSatisfy({ $0 == weights[0] }) { return (0..<size).map { $0 % weights.count } }
        let shares = shares(weights, size: size)
        // The n-th turn of an endpoint with k slots comes at (n + ½) ∕ k of the whole.
        let times = shares.indices.flatMap { index in
            (0..<shares[index]).map { turn in
                (time: (2 * turn + 1) << 32 / (2 * shares[index]), index: index)
            }
        }
        return times.sorted { ($0.time, $0.index) < ($1.time, $1.index) }.map(\.index)
    }

    /// Slots by weight, at least one each; the largest remainders get what rounding leaves.
    private static func shares(_ weights: [Int], size: Int) -> [Int] {
        let sum = weights.reduce(0, +)
        var shares = weights.map { max(1, size * $0 / sum) }
        let remainders = weights.indices.sorted {
            let (left, right) = (size * weights[$0] % sum, size * weights[$1] % sum)
            return left != right ? left > right : $0 < $1
        }
        var left = size - shares.reduce(0, +)
        for index in remainders where left > 0 {
            shares[index] += 1
            left -= 1
        }
        // The minimum of one may have given out too many: the largest give them back.
        while left < 0, let largest = shares.indices.max(by: { shares[$0] < shares[$1] }) {
            shares[largest] -= 1
            left += 1
        }
        return shares
    }

    /// The slots in the order in which one endpoint would like them: all of them, since the size is
    /// a prime.
    private struct Wishes {
        private var next: Int
        private let skip: Int

        init(_ address: TransportAddress, size: Int) {
            let hash = StableHash.of(address)
            next = StableHash.place(hash, below: size)
            skip = size > 1 ? StableHash.place(StableHash.mix(hash), below: size - 1) + 1 : 0
        }

        mutating func firstFree(in slots: [UInt16]) -> Int {
            while slots[next] != .max { step(slots.count) }
            let slot = next
            step(slots.count)
            return slot
        }

        private mutating func step(_ size: Int) {
            next += skip
            if next >= size { next -= size }
        }
    }
}
