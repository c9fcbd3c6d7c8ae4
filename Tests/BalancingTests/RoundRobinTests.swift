// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@testable import Balancing

@Suite struct `Round robin` {
    /// As many choices as are made until the order repeats.
    private func cycle(_ weights: [Int]) -> Int { SmoothCycle.steps(weights: weights).count }

    @Test func `gives each in turn when weights are equal`() {
        var pool = Pool([3, 3, 3])
        #expect(pool.take(7) == [0, 1, 2, 0, 1, 2, 0])
    }

    @Test func `gives a single endpoint always`() {
        var pool = Pool([7])
        #expect(pool.take(3) == [0, 0, 0])
    }

    @Test func `spreads weights 5 to 1 to 1 evenly`() {
        var pool = Pool([5, 1, 1])
        #expect(pool.take(14) == [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0])
    }

    @Test(arguments: [[5, 1, 1], [1, 2, 3, 4], [100, 250, 50], [1, 1000], [9, 6, 3, 3]])
    func `keeps the exact ratio over a cycle, wherever it begins`(weights: [Int]) {
        for start in [UInt64(0), 3, 1000] {
            var pool = Pool(weights, start: start)
            let factor = weights.reduce(0, +) / cycle(weights)
            #expect(pool.shares(of: cycle(weights)).map { $0 * factor } == weights)
        }
    }

    @Test(arguments: [[5, 1, 1], [1, 2, 3, 4], [10, 3]])
    func `never strays from the share by more than one connection`(weights: [Int]) throws {
        var pool = Pool(weights)
        let total = weights.reduce(0, +)
        var counts = weights.map { _ in 0 }
        for turn in 1...(3 * total) {
            counts[try pool.endpoint(0)] += 1
            for index in weights.indices {
                #expect(abs(counts[index] * total - turn * weights[index]) < 2 * total)
            }
        }
    }

    @Test func `divides weights by their common divisor`() {
        #expect(cycle([65535, 65535]) == 2)
        #expect(cycle([1000, 3000]) == 4)
    }

    @Test func `bounds the cycle of weights without common divisor`() {
        let weights = [65535, 65534, 1]
        #expect(cycle(weights) <= 16384)
        var pool = Pool(weights)
        let shares = pool.shares(of: cycle(weights))
        #expect(shares[2] == 1)
        #expect(abs(shares[0] - shares[1]) <= 1)
    }

    @Test func `is exact when eight acceptors share it`() async {
        let pool = Pool([5, 1, 1])
        let counts = await withTaskGroup(of: [Int].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var acceptor = pool
                    return acceptor.take(7000)
                }
            }
            return await group.reduce(into: [0, 0, 0]) { counts, choices in
                for index in choices { counts[index] += 1 }
            }
        }
        #expect(counts == [40000, 8000, 8000])
    }

    @Test func `keeps the one order whichever acceptor is asked`() {
        var single = Pool([5, 1, 1, 3])
        var acceptors = [Pool](repeating: Pool([5, 1, 1, 3]), count: 8)
        var numbers = FixedNumbers(state: 1)
        let choices = (0..<1000).map { _ in
            acceptors[Int.random(in: 0..<8, using: &numbers)].pick() ?? -1
        }
        #expect(choices == single.take(1000))
    }

    @Test func `gives an endpoint that was not tried, and leaves the turns of others alone`() {
        var pool = Pool([5, 1, 1])
        var tried = TriedEndpoints()
        tried.insert(0)
        #expect((0..<100).allSatisfy { _ in pool.pick(excluding: tried) != 0 })
        tried.insert(2)
        tried.insert(2)
        #expect(tried.count == 2)
        #expect(pool.pick(excluding: tried) == 1)
    }

    @Test(arguments: BalancePolicy.allCases)
    func `and every other policy gives nothing when all were tried`(policy: BalancePolicy) {
        var pool = Pool([2, 1, 1], policy)
        var tried = TriedEndpoints()
        for _ in 0..<3 {
            guard let index = pool.pick(excluding: tried) else { break }
            #expect(!tried.contains(index))
            tried.insert(index)
        }
        #expect(tried.count == 3)
        #expect(pool.pick(excluding: tried) == nil)
    }

    @Test func `goes on when the turns run over`() {
        var pool = Pool([1, 1, 1], start: .max)
        #expect(pool.take(3) == [0, 0, 1])
    }

    @Test func `serves a thousand endpoints`() {
        let weights = (0..<1000).map { $0 % 3 + 1 }
        var pool = Pool(weights)
        #expect(pool.shares(of: cycle(weights)) == weights)
    }

    @Test func `keeps order and ratio when one falls ill`() {
        var pool = Pool([2, 1, 1, 1])
        pool.picker.states.set(health: .down, of: 2, now: pool.now)
        var three = Pool([2, 1, 1])
        let choices = pool.take(400)
        #expect(choices.map { $0 == 3 ? 2 : $0 } == three.take(400))
        pool.picker.states.set(health: .up, of: 2, now: pool.now)
        #expect(pool.shares(of: 500) == [200, 100, 100, 100])
    }
}
