// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@testable import Balancing

@Suite struct `Maglev table` {
    private func entries(_ weights: [Int]) -> [MaglevTable.Entry] {
        weights.indices.map { index in
            MaglevTable.Entry(
                index: UInt16(index),
                address: TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32(index)), 443),
                weight: weights[index])
        }
    }

    private func counts(_ slots: [UInt16], _ endpoints: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: endpoints)
        for slot in slots { counts[Int(slot)] += 1 }
        return counts
    }

    @Test(arguments: [2, 3, 10, 100])
    func `shares its slots out within one in a hundred`(count: Int) throws {
        let counts = counts(
            MaglevTable.slots(entries(Array(repeating: 1, count: count)), size: 65537), count)
        let (least, most) = (try #require(counts.min()), try #require(counts.max()))
        #expect(Double(most - least) <= Double(65537 / count) * 0.01)
        #expect(counts.reduce(0, +) == 65537)
    }

    @Test(arguments: [[5, 1, 1], [100, 250, 50], [1, 65535], [3, 3, 7, 11, 1000]])
    func `gives slots by weight, to within one, and at least one`(weights: [Int]) {
        let counts = counts(MaglevTable.slots(entries(weights), size: 65537), weights.count)
        let sum = weights.reduce(0, +)
        for (count, weight) in zip(counts, weights) {
            #expect(abs(count * sum - weight * 65537) <= sum || count == 1)
        }
    }

    @Test(arguments: [0, 37, 99])
    func `moves few keys of others when one of a hundred goes`(gone: Int) {
        var weights = [Int](repeating: 1, count: 100)
        let before = MaglevTable.slots(entries(weights), size: 65537)
        weights[gone] = 0
        let after = MaglevTable.slots(entries(weights), size: 65537)
        let others = before.indices.filter { before[$0] != UInt16(gone) }
        let moved = others.count { before[$0] != after[$0] }
        #expect(Double(moved) <= 0.02 * Double(others.count), "\(moved) of \(others.count)")
        #expect(!after.contains(UInt16(gone)))
    }

    @Test func `is the same from a shuffled list`() {
        let ordered = entries((0..<50).map { $0 % 4 + 1 })
        var numbers = FixedNumbers(state: 3)
        let slots = MaglevTable.slots(ordered, size: 65537)
        #expect(slots == MaglevTable.slots(ordered.shuffled(using: &numbers), size: 65537))
    }

    /// Written down once: a change would send the clients of two versions to different endpoints.
    @Test func `is what it was in every version`() {
        let slots = MaglevTable.slots(entries([1, 2, 1]), size: 13)
        #expect(slots == Self.known, "\(slots)")
    }

    private static let known: [UInt16] = [2, 1, 0, 1, 0, 1, 1, 2, 1, 1, 0, 2, 1]

    @Test func `copes with none, one, and as many as slots`() {
        #expect(MaglevTable.slots([], size: 7).isEmpty)
        #expect(MaglevTable.slots(entries([1]), size: 7) == Array(repeating: 0, count: 7))
        #expect(Set(MaglevTable.slots(entries(Array(repeating: 1, count: 7)), size: 7)).count == 7)
        #expect(MaglevTable.slots(entries(Array(repeating: 1, count: 8)), size: 7).isEmpty)
    }

    @Test func `knows primes`() {
        #expect((0...30).filter(Balance.isPrime) == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29])
        #expect(Balance.isPrime(65537) && Balance.isPrime(Balance.largestTable))
        #expect(!Balance.isPrime(65536) && !Balance.isPrime(257 * 257))
    }
}

@Suite struct `Slots for a picker elsewhere` {
    private func picker(_ count: Int, _ policy: BalancePolicy = .maglev) -> Picker {
        let endpoints = (0..<count).map { index in
            Endpoint(address: TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32(index)), 443))
        }
        var balance = Balance()
        (balance.policy, balance.tableSize) = (policy, 1021)
        return Picker(
            endpoints, loads: endpoints.map { _ in EndpointLoad() }, balance: balance)
    }

    @Test func `are of all endpoints while all serve`() {
        var picker = picker(7)
        let slots = picker.slots(now: 0)
        #expect(slots.count == 1021)
        #expect(Set(slots) == Set(0..<7))
    }

    @Test func `move only from endpoints that fall ill, to all others`() {
        var picker = picker(7)
        let before = picker.slots(now: 0)
        picker.states.set(health: .down, of: 3, now: 0)
        let after = picker.slots(now: 0)
        var heirs = Set<UInt16>()
        for (old, new) in zip(before, after) {
            if old == 3 { heirs.insert(new) } else { #expect(old == new) }
        }
        #expect(heirs == [0, 1, 2, 4, 5, 6])
        picker.states.set(health: .up, of: 3, now: 0)
        #expect(picker.slots(now: 0) == before)
    }

    @Test func `are nobody's when no endpoint may serve`() {
        var picker = picker(2)
        for index in 0..<2 { picker.states.set(administration: .draining, of: index, now: 0) }
        #expect(picker.slots(now: 0) == [Picker.nobody])
    }

    @Test func `are none of policies without a table`() {
        var picker = picker(3, .roundRobin)
        #expect(picker.slots(now: 0).isEmpty)
    }
}
