// SPDX-License-Identifier: Apache-2.0

import Balancing
import Testing
import WireTypes

@Suite struct `Round robin` {
    /// A rota of endpoints with those weights.
    private func rota(_ weights: [Int], start: UInt64 = 0) -> RoundRobin {
        let endpoints = weights.enumerated().map { index, weight in
            Endpoint(
                address: TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32(index)), 443),
                weight: weight)
        }
        return RoundRobin(endpoints, start: start)
    }

    private func take(_ count: Int, of rota: RoundRobin) -> [Int] {
        (0..<count).map { _ in rota.next() }
    }

    private func shares(_ choices: [Int], _ endpoints: Int) -> [Int] {
        (0..<endpoints).map { index in choices.count { $0 == index } }
    }

    @Test func `gives each in turn when weights are equal`() {
        #expect(take(7, of: rota([3, 3, 3])) == [0, 1, 2, 0, 1, 2, 0])
    }

    @Test func `gives a single endpoint always`() {
        #expect(take(3, of: rota([7])) == [0, 0, 0])
    }

    @Test func `spreads weights 5 to 1 to 1 evenly`() {
        #expect(take(14, of: rota([5, 1, 1])) == [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0])
    }

    @Test(arguments: [[5, 1, 1], [1, 2, 3, 4], [100, 250, 50], [1, 1000], [9, 6, 3, 3]])
    func `keeps the exact ratio over a cycle, wherever it begins`(weights: [Int]) {
        for start in [UInt64(0), 3, 1000] {
            let rota = rota(weights, start: start)
            let shares = shares(take(rota.cycleLength, of: rota), weights.count)
            let factor = weights.reduce(0, +) / rota.cycleLength
            #expect(shares.map { $0 * factor } == weights)
        }
    }

    @Test(arguments: [[5, 1, 1], [1, 2, 3, 4], [10, 3]])
    func `never strays from the share by more than one connection`(weights: [Int]) {
        let rota = rota(weights)
        let total = weights.reduce(0, +)
        var counts = weights.map { _ in 0 }
        for turn in 1...(3 * total) {
            counts[rota.next()] += 1
            for index in weights.indices {
                #expect(abs(counts[index] * total - turn * weights[index]) < 2 * total)
            }
        }
    }

    @Test func `divides weights by their common divisor`() {
        #expect(rota([65535, 65535]).cycleLength == 2)
        #expect(rota([1000, 3000]).cycleLength == 4)
    }

    @Test func `bounds the cycle of weights without common divisor`() {
        let rota = rota([65535, 65534, 1])
        #expect(rota.cycleLength <= 16384)
        let shares = shares(take(rota.cycleLength, of: rota), 3)
        #expect(shares[2] == 1)
        #expect(abs(shares[0] - shares[1]) <= 1)
    }

    @Test func `is exact when several threads share it`() async {
        let rota = rota([5, 1, 1])
        let counts = await withTaskGroup(of: [Int].self) { group in
            for _ in 0..<4 {
                group.addTask { (0..<7000).map { _ in rota.next() } }
            }
            return await group.reduce(into: [0, 0, 0]) { counts, choices in
                for index in choices { counts[index] += 1 }
            }
        }
        #expect(counts == [20000, 4000, 4000])
    }

    @Test func `gives an endpoint that was not tried`() {
        let rota = rota([5, 1, 1])
        var tried = TriedEndpoints()
        tried.insert(0)
        #expect((0..<100).allSatisfy { _ in rota.next(excluding: tried) != 0 })
        tried.insert(2)
        tried.insert(2)
        #expect(tried.count == 2)
        #expect(rota.next(excluding: tried) == 1)
    }

    @Test func `gives nothing when all were tried`() {
        let rota = rota([2, 1])
        var tried = TriedEndpoints()
        #expect(rota.next(excluding: tried) != nil)
        tried.insert(0)
        tried.insert(1)
        #expect(rota.next(excluding: tried) == nil)
    }

    @Test func `goes on when the turns run over`() {
        let rota = rota([1, 1, 1], start: .max)
        #expect(take(3, of: rota) == [0, 0, 1])
    }

    @Test func `serves a thousand endpoints`() {
        let rota = rota((0..<1000).map { $0 % 3 + 1 })
        let shares = shares(take(rota.cycleLength, of: rota), rota.endpointCount)
        #expect(shares.allSatisfy { (1...3).contains($0) })
    }
}
