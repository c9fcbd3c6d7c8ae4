// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// Rules by the block of addresses that they are for: those of the longest prefix first.
///
/// Blocks lie in each other or apart, so a sorted list with the place of the next larger block at
/// each is all it takes: a million blocks are 33 MB, found in twenty steps.
struct SourceIndex: Sendable {
    /// A block and a rule; of equal blocks, rules of a lower rank come first.
    struct Item {
        let block: AddressBlock
        let rule: UInt32
        let rank: Int
    }

    private var blocks: [AddressBlock] = []
    /// Place of the smallest block around each; -1: none.
    private var parents: [Int32] = []
    /// Where the rules of each begin.
    private var starts: [UInt32] = []
    private var rules: [UInt32] = []
    /// Rules for all sources.
    private let anywhere: [UInt32]

    init(_ items: [Item], anywhere: [UInt32]) {
        self.anywhere = anywhere
        let items = items.sorted(by: Self.isBefore)
        blocks.reserveCapacity(items.count)
        rules.reserveCapacity(items.count)
        var open: [Int32] = []
        for item in items {
            if blocks.last != item.block {
                while let last = open.last, !blocks[Int(last)].contains(item.block.base) {
                    open.removeLast()
                }
                parents.append(open.last ?? -1)
                starts.append(UInt32(rules.count))
                open.append(Int32(blocks.count))
                blocks.append(item.block)
            }
            rules.append(item.rule)
        }
        starts.append(UInt32(rules.count))
    }

    /// Those for IPv4 before those for IPv6, a block before those inside of it.
    private static func isBefore(_ left: Item, _ right: Item) -> Bool {
        if left.block.base != right.block.base { return left.block.base < right.block.base }
        if left.block.prefixLength != right.block.prefixLength {
            return left.block.prefixLength < right.block.prefixLength
        }
        return left.rank < right.rank
    }

    /// The first rule for an address that `isRight`.
    func first(for address: IPAddress, where isRight: (UInt32) -> Bool) -> UInt32? {
        var place = blocks.isEmpty ? -1 : lastBlock(notBehind: address)
        while place >= 0 {
            if blocks[place].contains(address) {
                for index in Int(starts[place])..<Int(starts[place + 1]) where isRight(rules[index])
                {
                    return rules[index]
                }
            }
            place = Int(parents[place])
        }
        return anywhere.first(where: isRight)
    }

    private func lastBlock(notBehind address: IPAddress) -> Int {
        var (lower, upper) = (0, blocks.count)
        while lower < upper {
            let middle = (lower + upper) / 2
            if address < blocks[middle].base { upper = middle } else { lower = middle + 1 }
        }
        return lower - 1
    }
}
