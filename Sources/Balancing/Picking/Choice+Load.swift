// SPDX-License-Identifier: Apache-2.0

/// Choices that compare what endpoints have to do.
extension Choice {
    /// The one with the fewest connections for its weight.
    func leastLoaded() -> Int? {
        guard let best = shared.load.least, isLeft(best), serving.warming.isEmpty else {
            return scanForLeast()
        }
        return best
    }

    /// Looks at all: some were tried, or shares rise with every moment.
    func scanForLeast() -> Int? {
        var best: Int?
        for member in serving.members {
            let index = Int(member)
            if tried.contains(index) || isFull(index) { continue }
            if best.map({ isLighter(index, than: $0) }) ?? true { best = index }
        }
        return best
    }

    /// By connections for the weight as far as it has risen, this one counted in.
    private func isLighter(_ index: Int, than other: Int) -> Bool {
        let load = Double(shared.load.active(of: index) + 1) / risenWeight(index)
        return load < Double(shared.load.active(of: other) + 1) / risenWeight(other)
    }

    private func risenWeight(_ index: Int) -> Double {
        Double(serving.weights[index]) * max(Double(warmth(index)), 0.001)
    }

    /// The better one of two at random, drawn by weight.
    func ofTwo() -> Int? {
        guard case .turns(let turns) = serving.table, !turns.isEmpty else { return nil }
        let random = StableHash.mix(shared.seed ^ shared.takeTurn() &* StableHash.step)
        guard let first = draw(turns, random, besides: nil) else { return anyLeft(from: random) }
        // Turns are fewer than 2¹⁶: half of the bits are enough for each.
        guard let second = draw(turns, random << 32, besides: first) else { return first }
        return isBetter(second, than: first) ? second : first
    }

    /// Whom a random number falls to, or others that come of it.
    private func draw(_ turns: [UInt16], _ random: UInt64, besides other: Int?) -> Int? {
        var random = random
        for _ in 0..<16 {
            let index = Int(turns[StableHash.place(random, below: turns.count)])
            if index != other, isLeft(index), isWarm(index, StableHash.mix(~random)) {
                return index
            }
            random = StableHash.mix(random)
        }
        return nil
    }

    private func isBetter(_ index: Int, than other: Int) -> Bool {
        let cost = (shared.load.active(of: index) + 1) * serving.weights[other]
        let otherCost = (shared.load.active(of: other) + 1) * serving.weights[index]
        guard shared.balance.policy == .leastTime else { return cost < otherCost }
        // One that was never asked has time 0: it is asked next.
        let time = Double(shared.load.connectTime(of: index, now: now))
        let otherTime = Double(shared.load.connectTime(of: other, now: now))
        if time == otherTime { return cost < otherCost }
        return time * Double(cost) < otherTime * Double(otherCost)
    }
}
