// SPDX-License-Identifier: Apache-2.0

import Balancing
import Testing
import WireTypes

@Suite struct `Hashing policies` {
    private static let policies = BalancePolicy.allCases.filter(\.isHashing)

    private func endpoints(_ count: Int) -> [Endpoint] {
        (0..<count).map { index in
            Endpoint(address: TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32(index)), 443))
        }
    }

    @Test(arguments: policies)
    func `give a source the same endpoint on every balancer, whatever the order of the file`(
        policy: BalancePolicy
    ) throws {
        let ordered = endpoints(20)
        var numbers = FixedNumbers(state: 5)
        let shuffled = ordered.shuffled(using: &numbers)
        var (one, other) = (Pool(ordered, policy), Pool(shuffled, policy, start: 99))
        for number in 0..<1000 {
            let index = try one.endpoint(number)
            #expect(one.pick(number) == index)
            let same = try other.endpoint(number)
            #expect(ordered[index] == shuffled[same])
        }
    }

    @Test(arguments: policies)
    func `spread sources over all`(policy: BalancePolicy) {
        var pool = Pool([Int](repeating: 1, count: 10), policy)
        let shares = pool.shares(of: 10000)
        #expect(shares.allSatisfy { (700...1350).contains($0) }, "\(shares)")
    }

    @Test(arguments: policies)
    func `move no key but those of an endpoint that falls ill, and spread these`(
        policy: BalancePolicy
    ) {
        var pool = Pool([Int](repeating: 1, count: 10), policy)
        let before = pool.take(5000)
        pool.picker.states.set(health: .down, of: 3, now: pool.now)
        let after = pool.take(5000)
        var heirs = Set<Int>()
        for (old, new) in zip(before, after) {
            if old == 3 { heirs.insert(new) } else { #expect(old == new) }
        }
        #expect(heirs == [0, 1, 2, 4, 5, 6, 7, 8, 9])
        pool.picker.states.set(health: .up, of: 3, now: pool.now)
        #expect(pool.take(5000) == before)
    }

    @Test(arguments: policies)
    func `give shares by weight`(policy: BalancePolicy) {
        var pool = Pool([1, 3], policy)
        let shares = pool.shares(of: 8000)
        #expect((1600...2400).contains(shares[0]), "\(shares)")
    }

    @Test func `go by the key that was chosen`() throws {
        let name = try #require(ServerName("a.test"))
        let other = try #require(ServerName("b.test"))
        func answers(_ key: HashKey, _ policy: BalancePolicy = .maglev) -> [Set<Int>] {
            var pool = Pool([Int](repeating: 1, count: 100), policy) { $0.hashKey = key }
            let now = pool.now
            let keys = [
                (0..<50).map { client($0, name: name) },
                (0..<50).map { client(1, port: 40000 + UInt16($0), name: name) },
                (0..<50).map { client(1, name: $0 < 25 ? name : other) },
            ]
            return keys.map { keys in
                Set(keys.compactMap { pool.picker.pick(for: $0, now: now) })
            }
        }
        let bySource = answers(.source).map(\.count)
        #expect(bySource[0] > 20 && bySource[1] == 1 && bySource[2] == 1)
        let byPort = answers(.sourcePort).map(\.count)
        #expect(byPort[0] > 20 && byPort[1] > 20 && byPort[2] == 1)
        #expect(answers(.serverName).map(\.count) == [1, 1, 2])
        // source_hash is what its name says, whatever the key.
        #expect(answers(.serverName, .sourceHash)[0].count > 20)
    }

    @Test func `of names go by the address of a client that names none`() {
        var pool = Pool([Int](repeating: 1, count: 100), .maglev) { $0.hashKey = .serverName }
        #expect(Set(pool.take(50)).count > 20)
    }

    @Test(arguments: [110, 125, 200])
    func `of the ring give nobody more than its bounded share`(factor: Int) {
        var pool = Pool([1, 1, 2, 1, 1, 2, 1, 1], .ring) { $0.loadFactor = factor }
        let weights = [1, 1, 2, 1, 1, 2, 1, 1]
        for opened in 1...2000 {
            // One client makes half of the connections.
            guard let index = pool.pick(opened % 2 == 0 ? 0 : opened) else { break }
            pool.loads[index].open()
            let bound = (factor * opened * weights[index] + 999) / 1000
            #expect(pool.active[index] <= bound)
        }
        #expect(pool.active.reduce(0, +) == 2000)
    }

    @Test func `of the ring send a client on only as long as its endpoint is full`() throws {
        var pool = Pool([1, 1, 1, 1], .ring)
        let home = try pool.endpoint(1)
        for _ in 0..<10 { pool.loads[home].open() }
        #expect(pool.pick(1) != home)
        for _ in 0..<10 { pool.loads[home].close() }
        #expect(pool.pick(1) == home)
    }
}
