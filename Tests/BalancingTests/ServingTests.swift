// SPDX-License-Identifier: Apache-2.0

import Balancing
import Testing
import WireTypes

@Suite struct `Endpoints that come and go` {
    @Test(arguments: BalancePolicy.allCases)
    func `get nothing with weight 0, and their share without a reload`(policy: BalancePolicy) {
        var pool = Pool([1, 0, 1, 1], policy)
        #expect(pool.shares(of: 3000)[1] == 0)
        let states = pool.picker.states
        states.set(weight: 1, of: 1, now: pool.now)
        pool.open(300)
        #expect(pool.active[1] > 0)
        states.set(weight: 0, of: 0, now: pool.now)
        #expect(pool.shares(of: 3000)[0] == 0)
        #expect(states[0].weight == 0 && states[1].weight == 1)
    }

    @Test(arguments: BalancePolicy.allCases)
    func `keep their connections while they drain`(policy: BalancePolicy) {
        var pool = Pool([1, 1, 1], policy)
        pool.open(300)
        let before = pool.active
        pool.picker.states.set(administration: .draining, of: 2, now: pool.now)
        #expect(pool.shares(of: 600)[2] == 0)
        #expect(pool.active == before)
        #expect(pool.picker.states.active(of: 2) == before[2])
        pool.picker.states.set(administration: .up, of: 2, now: pool.now)
        pool.open(600)
        #expect(pool.active[2] > before[2])
    }

    @Test func `stay as they are when others join them in another configuration`() {
        let pool = Pool([1, 1, 1])
        pool.picker.states.set(health: .down, of: 0, now: pool.now)
        pool.picker.states.set(administration: .draining, of: 1, now: pool.now)
        let more = Pool([2, 2, 2, 2])
        more.picker.states.takeOver(pool.picker.states, now: more.now)
        #expect(more.picker.states[0].health == .down)
        #expect(more.picker.states[1].administration == .draining)
        #expect((0..<4).map { more.picker.states[$0].weight } == [2, 2, 2, 2])
        var next = more
        #expect(next.shares(of: 100) == [0, 0, 50, 50])
    }

    @Test func `get a new weight at once, exactly`() {
        var pool = Pool([1, 1])
        #expect(pool.shares(of: 100) == [50, 50])
        pool.picker.states.set(weight: 3, of: 1, now: pool.now)
        #expect(pool.shares(of: 100) == [25, 75])
    }

    @Test(arguments: BalancePolicy.allCases)
    func `leave nothing when all of them drain`(policy: BalancePolicy) {
        var pool = Pool([1, 0], policy)
        pool.picker.states.set(administration: .draining, of: 0, now: pool.now)
        #expect(pool.pick() == nil)
    }

    @Test(arguments: BalancePolicy.allCases)
    func `hand over to the next priority level when all of a level are down`(
        policy: BalancePolicy
    ) {
        var pool = Pool([1, 1, 1, 1], priorities: [0, 0, 1, 2], policy)
        let states = pool.picker.states
        #expect(Set(pool.take(200)).isSubset(of: [0, 1]))
        states.set(health: .down, of: 0, now: pool.now)
        #expect(Set(pool.take(200)) == [1])
        states.set(health: .ejected, of: 1, now: pool.now)
        #expect(Set(pool.take(200)) == [2])
        states.set(administration: .draining, of: 2, now: pool.now)
        #expect(Set(pool.take(200)) == [3])
        states.set(health: .up, of: 1, now: pool.now)
        #expect(Set(pool.take(200)) == [1])
        #expect(states.panicPicks == 0)
    }

    @Test(arguments: BalancePolicy.allCases)
    func `are all used, and that is counted, when too few are well`(policy: BalancePolicy) {
        var pool = Pool([1, 1, 1, 1], policy) { $0.panicThreshold = 50 }
        let states = pool.picker.states
        states.set(health: .down, of: 0, now: pool.now)
        states.set(health: .down, of: 1, now: pool.now)
        #expect(Set(pool.take(400)).isDisjoint(with: [0, 1]))
        #expect(states.panicPicks == 0)
        states.set(health: .down, of: 2, now: pool.now)
        pool.open(400)
        #expect(pool.active.allSatisfy { $0 > 0 })
        #expect(states.panicPicks == 400)
        states.set(health: .up, of: 2, now: pool.now)
        #expect(Set(pool.take(400)).isDisjoint(with: [0, 1]))
    }

    @Test func `of a level that is too weak leave the work to a sound one`() {
        var pool = Pool([1, 1, 1, 1], priorities: [0, 0, 0, 1]) { $0.panicThreshold = 50 }
        pool.picker.states.set(health: .down, of: 0, now: pool.now)
        pool.picker.states.set(health: .down, of: 1, now: pool.now)
        #expect(Set(pool.take(40)) == [3])
        pool.picker.states.set(health: .down, of: 3, now: pool.now)
        #expect(Set(pool.take(40)) == [0, 1, 2, 3])
    }

    @Test(arguments: BalancePolicy.allCases)
    func `of the next level take a connection that all of the first refused`(
        policy: BalancePolicy
    ) {
        var pool = Pool([1, 1, 1, 0, 1], priorities: [0, 0, 2, 1, 1], policy)
        var tried = TriedEndpoints()
        var order: [Int] = []
        while let index = pool.pick(excluding: tried) {
            order.append(index)
            tried.insert(index)
        }
        #expect(Set(order.prefix(2)) == [0, 1])
        #expect(order.dropFirst(2) == [4, 2])
        #expect(Set(pool.take(100)).isSubset(of: [0, 1]))
    }

    @Test func `that are drained are not called back by a panic`() {
        var pool = Pool([1, 1, 0])
        pool.picker.states.set(health: .down, of: 0, now: pool.now)
        pool.picker.states.set(administration: .draining, of: 1, now: pool.now)
        #expect(Set(pool.take(40)) == [0])
        #expect(pool.picker.states.panicPicks == 40)
    }

    @Test func `are seen by every copy of the picker`() {
        var (one, other) = (Pool([1, 1]), Pool([1, 1]))
        other = one
        _ = other.pick()
        one.picker.states.set(health: .down, of: 0, now: one.now)
        #expect(Set(other.take(20)) == [1])
    }
}

@Suite struct `Slow start` {
    private static let second: UInt64 = 1_000_000_000
    private static let policies = BalancePolicy.allCases.filter { $0 != .leastConnections }

    /// Four endpoints, the last of which comes back now.
    private func pool(_ policy: BalancePolicy) -> Pool {
        let pool = Pool([1, 1, 1, 1], policy) { $0.slowStart = .seconds(60) }
        pool.picker.states.set(health: .down, of: 3, now: pool.now)
        pool.picker.states.set(health: .up, of: 3, now: pool.now)
        return pool
    }

    @Test(arguments: policies)
    func `lets the share of who comes back rise linearly over the window`(policy: BalancePolicy) {
        var pool = pool(policy)
        let begin = pool.now
        var full = Pool([1, 1, 1, 1], policy)
        let whole = Double(full.shares(of: 4000)[3])
        for seconds in [UInt64(0), 6, 15, 30, 45, 54, 60, 100] {
            pool.now = begin + seconds * Self.second
            let share = Double(pool.shares(of: 4000)[3])
            let expected = whole * Double(min(seconds, 60)) / 60
            #expect(abs(share - expected) < 0.12 * whole, "\(seconds) s: \(share) of \(expected)")
        }
        #expect(pool.picker.states[3].warmingSince == nil)
    }

    @Test func `lets connections of who comes back rise in step, by least connections`() {
        var pool = pool(.leastConnections)
        let begin = pool.now
        pool.open(300)
        #expect(pool.active[3] <= 1)
        for seconds in [UInt64(15), 30, 45, 59] {
            pool.now = begin + seconds * Self.second
            pool.open(400)
            let ratio = Double(pool.active[3]) / Double(pool.active[0])
            #expect(abs(ratio - Double(seconds) / 60) < 0.03, "\(seconds) s: \(pool.active)")
        }
        pool.now = begin + 61 * Self.second
        pool.open(400)
        #expect(Set(pool.active).count <= 2, "\(pool.active)")
    }

    @Test(arguments: BalancePolicy.allCases)
    func `does not hold back the last that is left, nor all at once`(policy: BalancePolicy) {
        var pool = Pool([1, 1], policy) { $0.slowStart = .seconds(60) }
        let states = pool.picker.states
        for index in [0, 1] { states.set(health: .down, of: index, now: pool.now) }
        states.set(health: .up, of: 1, now: pool.now)
        #expect(Set(pool.take(20)) == [1])
        states.set(health: .up, of: 0, now: pool.now)
        #expect(Set(pool.take(200)).count == (policy == .leastConnections ? 1 : 2))
    }

    @Test func `begins when a weight is set, and not at the start`() {
        var pool = Pool([1, 0]) { $0.slowStart = .seconds(60) }
        #expect(pool.picker.states[0].warmingSince == nil)
        pool.picker.states.set(weight: 1, of: 1, now: pool.now)
        #expect(pool.picker.states[1].warmingSince == pool.now)
        #expect(pool.shares(of: 100)[1] == 0)
        pool.now += 60 * Self.second
        #expect(pool.shares(of: 100) == [50, 50])
    }
}
