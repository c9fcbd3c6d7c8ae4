// SPDX-License-Identifier: Apache-2.0

/// A set of numbers as ranges that neither touch nor overlap, in order.
struct Ranges: Equatable, CustomStringConvertible {
    private(set) var all: [Range<Int>] = []

    init(_ ranges: Range<Int>...) {
        for range in ranges { insert(range) }
    }

    var isEmpty: Bool { all.isEmpty }
    var end: Int? { all.last?.upperBound }

    /// The first range that ends at or behind `number`.
    private func place(_ number: Int) -> Int {
        var low = 0
        var high = all.count
        while low < high {
            let middle = (low + high) / 2
            if all[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func insert(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        let first = place(range.lowerBound)
        var merged = range
        var last = first
        while last < all.count, all[last].lowerBound <= range.upperBound {
            merged =
                min(
                    merged.lowerBound, all[last].lowerBound)..<max(
                    merged.upperBound, all[last].upperBound)
            last += 1
        }
        all.replaceSubrange(first..<last, with: [merged])
    }

    mutating func remove(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        all = all.flatMap { one -> [Range<Int>] in
            guard one.overlaps(range) else { return [one] }
            var rest: [Range<Int>] = []
            if one.lowerBound < range.lowerBound { rest.append(one.lowerBound..<range.lowerBound) }
            if range.upperBound < one.upperBound { rest.append(range.upperBound..<one.upperBound) }
            return rest
        }
    }

    func contains(_ range: Range<Int>) -> Bool {
        if range.isEmpty { return true }
        let at = place(range.lowerBound + 1)
        return at < all.count && all[at].lowerBound <= range.lowerBound
            && range.upperBound <= all[at].upperBound
    }

    func overlaps(_ range: Range<Int>) -> Bool {
        if range.isEmpty { return false }
        let at = place(range.lowerBound + 1)
        return at < all.count && all[at].lowerBound < range.upperBound
    }

    /// The part of `range` that lies in the set.
    func intersection(_ range: Range<Int>) -> [Range<Int>] {
        all.filter { $0.overlaps(range) }.map { $0.clamped(to: range) }
    }

    /// Around what a message is about: whole sets may be long.
    var description: String {
        let shown = all.suffix(4).map { "\($0.lowerBound)..<\($0.upperBound)" }
        return (all.count > 4 ? "… " : "") + shown.joined(separator: " ")
    }
}
