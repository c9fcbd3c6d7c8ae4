// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@testable import Balancing

@Suite struct `Policies by load` {
    @Test(arguments: [3, 16, 17, 300, 1000])
    func `least connections always takes one of the least loaded`(count: Int) throws {
        var pool = Pool([Int](repeating: 1, count: count), .leastConnections)
        var numbers = FixedNumbers(state: UInt64(count))
        var open: [Int] = []
        for turn in 0..<5000 {
            if turn % 3 == 2, let place = open.indices.randomElement(using: &numbers) {
                pool.loads[open.remove(at: place)].close()
                continue
            }
            let index = try pool.endpoint(turn)
            #expect(pool.loads[index].active == pool.active.min())
            pool.loads[index].open()
            open.append(index)
        }
        #expect(pool.active.reduce(0, +) == open.count)
    }

    @Test func `least connections goes by weight`() {
        var pool = Pool([4, 2, 1], .leastConnections)
        pool.open(700)
        #expect(pool.active == [400, 200, 100])
    }

    @Test func `least connections serves equals in turn, by weight`() {
        var pool = Pool([3, 1], .leastConnections)
        var shares = [0, 0]
        for number in 0..<400 {
            guard let index = pool.pick(number) else { break }
            pool.loads[index].open()
            shares[index] += 1
            pool.loads[index].close()
        }
        #expect((295...305).contains(shares[0]), "\(shares)")
    }

    @Test func `least connections counts those of another cluster with the same address`() {
        let endpoints = (0..<2).map { index in
            Endpoint(address: TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32(index)), 443))
        }
        let loads = endpoints.map { _ in EndpointLoad() }
        var balance = Balance()
        balance.policy = .leastConnections
        var one = Picker(endpoints, loads: loads, balance: balance)
        _ = Picker(endpoints, loads: loads, balance: balance)
        for _ in 0..<5 { loads[0].open() }
        #expect(one.pick(for: client(1), now: 1) == 1)
        for _ in 0..<9 { loads[1].open() }
        #expect(one.pick(for: client(1), now: 1) == 0)
    }

    @Test func `another picker of the same endpoints begins with their connections`() {
        let pool = Pool([1, 1, 1], .leastConnections)
        for _ in 0..<5 { pool.loads[0].open() }
        for _ in 0..<3 { pool.loads[1].open() }
        let endpoints = (0..<3).map { index in
            Endpoint(address: TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32(index)), 443))
        }
        var balance = Balance()
        balance.policy = .leastConnections
        var next = Picker(endpoints, loads: pool.loads, balance: balance)
        #expect(next.pick(for: client(1), now: 1) == 2)
        pool.picker.retire()
        for _ in 0..<9 { pool.loads[2].open() }
        #expect(next.pick(for: client(1), now: 1) == 1)
        // Nobody tells the retired one any more.
        var old = pool.picker
        #expect(old.pick(for: client(1), now: 1) == 2)
    }

    @Test func `a bounded ring knows all connections whenever its picker was made`() async {
        let pool = Pool([1, 1], .ring)
        let endpoints = (0..<2).map { index in
            Endpoint(address: TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32(index)), 443))
        }
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<2 {
                group.addTask { [loads = pool.loads] in
                    for _ in 0..<20_000 {
                        loads[worker].open()
                        loads[1 - worker].open()
                        loads[worker].close()
                    }
                }
            }
            group.addTask { [loads = pool.loads] in
                for _ in 0..<200 {
                    let picker = Picker(endpoints, loads: loads)
                    await Task.yield()
                    picker.retire()
                }
            }
        }
        #expect(pool.loads.map(\.active) == [20_000, 20_000])
        let last = Picker(endpoints, loads: pool.loads)
        #expect(last.states.active(of: 0) + last.states.active(of: 1) == 40_000)
        #expect(pool.picker.total == 40_000 && last.total == 40_000)
    }

    @Test func `counts are exact when threads open and close at once`() async {
        let pool = Pool([Int](repeating: 1, count: 40), .leastConnections)
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    var acceptor = pool
                    for turn in 0..<10000 {
                        guard let index = acceptor.pick(turn) else { return }
                        acceptor.loads[index].open()
                        // Half of them stay.
                        if turn % 2 == thread % 2 { acceptor.loads[index].close() }
                    }
                }
            }
        }
        #expect(pool.active.reduce(0, +) == 20000)
        // With nobody else about, the next is the very least.
        var acceptor = pool
        #expect(acceptor.pick().map { acceptor.active[$0] } == pool.active.min())
        let most = pool.active.max() ?? 0
        #expect(most - (pool.active.min() ?? 0) < 50, "\(pool.active)")
    }

    @Test func `random of two keeps the most loaded of a thousand near the mean`() {
        var pool = Pool([Int](repeating: 1, count: 1000), .randomOfTwo)
        pool.open(100_000)
        // Berenbrink et al. (2000): m ∕ n + ln ln n ∕ ln 2 + O(1) with high probability. One at
        // random would come to about 100 + √(2 · 100 · ln 1000) = 137.
        let most = pool.active.max() ?? 0
        #expect(most <= 100 + 3 + 4, "\(most)")
        #expect(pool.active.reduce(0, +) == 100_000)
    }

    @Test func `random of two goes by weight`() {
        var pool = Pool([4, 2, 1, 1], .randomOfTwo)
        pool.open(8000)
        for (active, weight) in zip(pool.active, [4, 2, 1, 1]) {
            #expect(abs(active - weight * 1000) < 50, "\(pool.active)")
        }
    }

    @Test func `least time prefers who answers sooner, and does not starve the other`() {
        var pool = Pool([1, 1], .leastTime)
        var shares = [0, 0]
        for number in 0..<4000 {
            guard let index = pool.pick(number) else { break }
            shares[index] += 1
            pool.now += 10_000_000
            pool.loads[index].observe(
                connectTime: index == 0 ? 500_000 : 20_000_000, now: pool.now)
        }
        #expect(shares[0] > shares[1] * 10 && shares[1] > 0, "\(shares)")
    }

    @Test func `least time asks those first that were never asked`() {
        var pool = Pool([1, 1, 1], .leastTime)
        pool.loads[0].observe(connectTime: 1000, now: pool.now)
        pool.loads[1].observe(connectTime: 1000, now: pool.now)
        #expect(pool.shares(of: 300)[2] > 150)
    }

    @Test func `the time to connect is a moving average that silence forgets`() {
        let load = EndpointLoad()
        #expect(load.connectTime(now: 5) == 0)
        load.observe(connectTime: 8000, now: 0)
        load.observe(connectTime: 16000, now: 0)
        #expect(load.connectTime(now: 0) == 9000)
        #expect(load.connectTime(now: 10_000_000_000) == 4500)
        #expect(load.connectTime(now: 1_000_000_000_000) == 0)
    }
}

extension Picker {
    /// Connections of all endpoints, as bounded loads go by them.
    fileprivate var total: Int { shared.load.total }
}
