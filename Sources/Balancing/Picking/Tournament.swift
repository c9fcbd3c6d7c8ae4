// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Who has the fewest connections for its weight, kept up to date by whoever changes one of them.
///
/// A tree of three levels, sixteen below each node, every node naming the best below it. A change
/// looks at the three nodes above it; the answer is one load. Equals are served in turn, by weight.
///
/// Without locks, as in Jayanti's f-arrays (PODC 2002): a node is computed from its children and
/// exchanged only if nobody else did meanwhile, twice; when both fail, another thread has begun
/// after our change and seen it.
final class Tournament: Sendable {
    /// One endpoint in it.
    private final class Competitor: Sendable {
        let figures: LoadFigures
        /// 0: takes no part.
        let weight = Atomic<Int>(0)
        /// When it is served among equals: it moves on with each connection, by less for the heavy.
        let pass = Atomic<UInt32>(0)

        init(_ figures: LoadFigures) { self.figures = figures }
    }

    /// The index of the best below, and how often it was written: version × 65536 + index.
    private final class Node: Sendable {
        let value = Atomic<UInt64>(0)
    }

    private static let width = 16
    private static let round = 1 << 20
    private let competitors: [Competitor]
    /// From the endpoints' parents up to the root.
    private let levels: [[Node]]
    /// Where the turns have got to.
    private let pass = Atomic<UInt32>(0)

    init(_ figures: [LoadFigures]) {
        competitors = figures.map { Competitor($0) }
        var levels: [[Node]] = []
        var count = figures.count
        repeat {
            count = (count + Self.width - 1) / Self.width
            levels.append((0..<count).map { _ in Node() })
        } while count > 1
        self.levels = levels
    }

    /// The best; nil when nobody takes part.
    var winner: Int? {
        let index = winner(of: levels[levels.count - 1][0])
        return competitors[index].weight.load(ordering: .relaxed) > 0 ? index : nil
    }

    func use(weights: [Int]) {
        for (competitor, weight) in zip(competitors, weights) {
            competitor.weight.store(weight, ordering: .relaxed)
        }
        for index in stride(from: 0, to: competitors.count, by: Self.width) { refresh(index) }
    }

    /// The endpoint got a connection.
    func tookTurn(_ index: Int) {
        let competitor = competitors[index]
        let own = competitor.pass.load(ordering: .relaxed)
        let now = pass.load(ordering: .relaxed)
        // Who was not served for a while does not make up for it.
        let start = Int32(bitPattern: own &- now) > 0 ? own : now
        let weight = max(competitor.weight.load(ordering: .relaxed), 1)
        let step = UInt32(max(Self.round / weight, 1))
        competitor.pass.store(start &+ step, ordering: .relaxed)
        pass.store(start, ordering: .relaxed)
        refresh(index)
    }

    /// The endpoint's connections changed.
    func refresh(_ index: Int) {
        var place = index / Self.width
        for level in levels.indices {
            let node = levels[level][place]
            if !update(node, level, place) { _ = update(node, level, place) }
            place /= Self.width
        }
    }

    private func update(_ node: Node, _ level: Int, _ place: Int) -> Bool {
        let old = node.value.load(ordering: .acquiring)
        let first = place * Self.width
        let end = min(first + Self.width, level == 0 ? competitors.count : levels[level - 1].count)
        var best = child(first, of: level)
        for index in first + 1..<max(end, first + 1) {
            let other = child(index, of: level)
            if isBetter(other, than: best) { best = other }
        }
        let new = (old >> 16 &+ 1) << 16 | UInt64(best)
        return node.value.compareExchange(
            expected: old, desired: new, ordering: .acquiringAndReleasing
        ).exchanged
    }

    private func child(_ index: Int, of level: Int) -> Int {
        level == 0 ? index : winner(of: levels[level - 1][index])
    }

    private func winner(of node: Node) -> Int {
        Int(node.value.load(ordering: .acquiring) & 0xffff)
    }

    private func isBetter(_ index: Int, than other: Int) -> Bool {
        let (one, two) = (competitors[index], competitors[other])
        let (weight, otherWeight) = (
            one.weight.load(ordering: .relaxed), two.weight.load(ordering: .relaxed)
        )
        guard weight > 0, otherWeight > 0 else { return weight > 0 && otherWeight == 0 }
        let load = one.figures.active * otherWeight
        let otherLoad = two.figures.active * weight
        if load != otherLoad { return load < otherLoad }
        let (turn, otherTurn) = (
            one.pass.load(ordering: .relaxed), two.pass.load(ordering: .relaxed)
        )
        return Int32(bitPattern: turn &- otherTurn) < 0
    }
}
