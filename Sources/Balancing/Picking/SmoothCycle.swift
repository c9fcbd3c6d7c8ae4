// SPDX-License-Identifier: Apache-2.0

/// The order in which smooth weighted round robin visits endpoints, until it repeats.
///
/// Weights 5:1:1 give `0 0 1 0 2 0 0`: every endpoint exactly as often as its reduced weight
/// says, and as far apart as can be.
enum SmoothCycle {
    /// The longest cycle that is computed; weights whose reduced sum is larger are scaled down to
    /// it, each to at least 1. A share then differs from the exact one by less than one step of
    /// the cycle, or by what the minimum of 1 gives to the lightest.
    static let lengthLimit = 16384

    /// Endpoint indices of one cycle; those of weight 0 do not occur.
    static func steps(weights: [Int]) -> [UInt16] {
        let shares = scaled(reduced(weights), to: max(lengthLimit, weights.count))
        let members = shares.indices.filter { shares[$0] > 0 }
        if members.allSatisfy({ shares[$0] == 1 }) { return members.map { UInt16($0) } }
        let length = shares.reduce(0, +)
        var credits = [Int](repeating: 0, count: shares.count)
        return (0..<length).map { _ in UInt16(step(&credits, shares, length)) }
    }

    /// Everyone earns its share, the richest is chosen and pays for the whole round.
    private static func step(_ credits: inout [Int], _ shares: [Int], _ length: Int) -> Int {
        var richest = 0
        for index in credits.indices {
            credits[index] += shares[index]
            if credits[index] > credits[richest] { richest = index }
        }
        credits[richest] -= length
        return richest
    }

    private static func reduced(_ weights: [Int]) -> [Int] {
        let divisor = weights.reduce(0, greatestCommonDivisor)
        return divisor > 1 ? weights.map { $0 / divisor } : weights
    }

    private static func scaled(_ shares: [Int], to limit: Int) -> [Int] {
        let sum = shares.reduce(0, +)
        guard sum > limit else { return shares }
        return reduced(shares.map { $0 == 0 ? 0 : max(1, $0 * limit / sum) })
    }

    private static func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
        right == 0 ? left : greatestCommonDivisor(right, left % right)
    }
}
