// SPDX-License-Identifier: Apache-2.0

import Balancing
import Synchronization
import Testing
import WireTypes

private func ip(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { fatalError("no address: \(text)") }
    return address
}

private func block(_ text: String) -> AddressBlock {
    guard let block = AddressBlock(text) else { fatalError("no block: \(text)") }
    return block
}

/// What came of taking the places of a connection.
private func take(_ seat: Seat, _ limits: ConnectionLimits)
    -> (places: TakenPlaces?, full: FullPlace?)
{
    switch limits.take(seat) {
    case .taken(let places): (places, nil)
    case .full(let full): (nil, full)
    }
}

/// What a closure was told.
private final class Told: Sendable {
    private let log = Mutex<[String]>([])
    var words: [String] { log.withLock { $0 } }
    func add(_ word: String) { log.withLock { $0.append(word) } }
}

@Suite struct `Access list` {
    private func admitted(_ list: AccessList) -> [String] {
        let table = AccessTable(list)
        return ["10.0.0.1", "10.1.0.1", "192.0.2.1", "2001:db8::1", "2001:db9::1"].filter {
            table.admits(ip($0))
        }
    }

    @Test func `lets everyone in who is not denied`() {
        var list = AccessList()
        #expect(admitted(list).count == 5)
        list.denied = [block("10.0.0.0/8"), block("2001:db8::/32")]
        #expect(admitted(list) == ["192.0.2.1", "2001:db9::1"])
    }

    @Test func `lets nobody in but those who are allowed`() {
        var list = AccessList()
        list.allowed = [block("10.0.0.0/8")]
        #expect(admitted(list) == ["10.0.0.1", "10.1.0.1"])
        #expect(list.rules.count == 3)
    }

    @Test func `goes by the smallest block`() {
        var list = AccessList()
        list.allowed = [block("0.0.0.0/0"), block("10.1.0.0/16")]
        list.denied = [block("10.0.0.0/8"), block("2001:db8::/32")]
        #expect(admitted(list) == ["10.1.0.1", "192.0.2.1"])
    }

    @Test func `of IPv6 says nothing of IPv4`() {
        var list = AccessList()
        list.denied = [block("::/0")]
        #expect(admitted(list) == ["10.0.0.1", "10.1.0.1", "192.0.2.1"])
    }
}

@Suite struct `Bounds per source` {
    private let second: UInt64 = 1_000_000_000

    @Test func `let a burst through, and then the rate`() {
        var limit = SourceLimit()
        limit.rate = ConnectionRate(10)
        limit.burst = 3
        let paces = SourcePaces(limit)
        func taken(_ count: Int, at now: UInt64) -> Int {
            (0..<count).count { _ in paces.take(ip("192.0.2.1"), now: now) }
        }
        #expect(taken(9, at: 100 * second) == 3)
        #expect(taken(9, at: 100 * second + second / 10) == 1)
        #expect(taken(9, at: 101 * second) == 3)
        #expect(paces.take(ip("192.0.2.2"), now: 101 * second))
    }

    @Test(arguments: [
        (ConnectionRate(10), UInt64(100_000_000), UInt64(900_000_000)),
        (ConnectionRate(1), 1_000_000_000, 0),
        (ConnectionRate(30, perMinute: true), 2_000_000_000, 0),
        (ConnectionRate(120, perMinute: true), 500_000_000, 500_000_000),
    ])
    func `have the rate of a second for their burst`(
        rate: ConnectionRate, interval: UInt64, tolerance: UInt64
    ) {
        var limit = SourceLimit()
        limit.rate = rate
        #expect(rate.interval == interval)
        #expect(limit.tolerance == tolerance)
    }

    @Test func `count by blocks, and forget those without a connection`() {
        var limit = SourceLimit()
        limit.connections = 2
        limit.prefixLengthV4 = 24
        let counts = SourceCounts(limit) { _, _ in }
        var parts = ConnectionLimits.Parts()
        parts.sources = counts
        let limits = ConnectionLimits(parts)
        let seats = ["192.0.2.1", "192.0.2.200", "2001:db8::1", "2001:db8::ffff:1"].map {
            Seat(listener: 1, cluster: 0, source: ip($0))
        }
        let taken = seats.map { take($0, limits) }
        #expect(taken.allSatisfy { $0.full == nil })
        #expect(counts.blockCount == 2)
        for seat in seats { #expect(take(seat, limits).full == .source) }
        for places in taken { places.places?.giveBack() }
        #expect(counts.blockCount == 0)
    }

    @Test func `only count in a dry run`() {
        var limit = SourceLimit()
        limit.connections = 1
        limit.isDryRun = true
        let counted = ConnectionCount()
        let (room, over) = (ConnectionCap(100), ConnectionCap(100, of: counted))
        var parts = ConnectionLimits.Parts()
        parts.process = room
        let counts = SourceCounts(limit) { _, _ in Issue.record("told of a dry run") }
        parts.sources = counts
        let limits = ConnectionLimits(parts, dryRuns: [counts]) { _ = over.take() }
        let seat = Seat(listener: 1, cluster: 0, source: ip("192.0.2.1"))
        let taken = (0..<5).map { _ in take(seat, limits) }
        #expect(taken.allSatisfy { $0.full == nil })
        #expect(counted.current == 4)
        #expect(room.count.current == 5)
        for places in taken { places.places?.giveBack() }
        #expect(take(seat, limits).full == nil)
        #expect(counted.current == 4)
    }
}

@Suite struct `Bounds of places` {
    @Test func `give back what they took when one of them is full`() {
        var parts = ConnectionLimits.Parts()
        let caps = (0..<3).map { _ in ConnectionCap(100) }
        (parts.process, parts.listeners[7], parts.clusters[0]) = (caps[0], caps[1], caps[2])
        parts.endpoints[0] = [ConnectionCap(1), nil]
        var limit = SourceLimit()
        limit.connections = 3
        parts.sources = SourceCounts(limit) { _, _ in }
        let limits = ConnectionLimits(parts)
        var seat = Seat(listener: 7, cluster: 0, endpoint: 0, source: ip("192.0.2.1"))
        var taken = [take(seat, limits)]
        #expect(take(seat, limits).full == .endpoints)
        seat.endpoint = 1
        taken += [take(seat, limits), take(seat, limits)]
        #expect(taken.allSatisfy { $0.full == nil })
        #expect(take(seat, limits).full == .source)
        #expect(caps.map(\.count.current) == [3, 3, 3])
        for places in taken { places.places?.giveBack() }
        #expect(caps.map(\.count.current) == [0, 0, 0])
    }

    /// A reload: who was not counted gives nothing back, and who was does.
    @Test func `change while connections are there`() {
        let seat = Seat(listener: 7, cluster: 0, endpoint: 0, source: ip("192.0.2.1"))
        var before = ConnectionLimits.Parts()
        before.process = ConnectionCap(5)
        let first = take(seat, ConnectionLimits(before))
        var after = before
        after.process = ConnectionCap(2, of: before.process?.count ?? ConnectionCount())
        after.clusters[0] = ConnectionCap(5)
        let limits = ConnectionLimits(after)
        let second = take(seat, limits)
        #expect(second.full == nil)
        #expect(take(seat, limits).full == .process)
        first.places?.giveBack()
        #expect(after.clusters[0]?.count.current == 1)
        #expect(after.process?.count.current == 1)
        second.places?.giveBack()
        #expect(after.clusters[0]?.count.current == 0)
        #expect(before.process?.count.current == 0)
    }

    @Test func `of sources tell anew who is full when they change`() {
        var limit = SourceLimit()
        limit.connections = 3
        let told = Told()
        let counts = SourceCounts(limit) { told.add("\($0) \($1 ? "full" : "free")") }
        var parts = ConnectionLimits.Parts()
        parts.sources = counts
        let seat = Seat(listener: 7, cluster: 0, source: ip("192.0.2.1"))
        let taken = (0..<2).map { _ in take(seat, ConnectionLimits(parts)) }
        #expect(told.words.isEmpty)
        limit.connections = 2
        counts.follow(limit)
        #expect(told.words == ["192.0.2.1/32 full"])
        #expect(take(seat, ConnectionLimits(parts)).full == .source)
        taken[0].places?.giveBack()
        #expect(told.words.last == "192.0.2.1/32 free")
        counts.follow(nil)
        #expect(told.words.count == 2)
        #expect(take(seat, ConnectionLimits(parts)).full == nil)
    }

    @Test func `are exact when many threads ask at once`() async {
        let cap = ConnectionCap(1000)
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { (0..<1000).count { _ in cap.take() } }
            }
            return await group.reduce(0, +)
        }
        #expect(taken == 1000 && cap.count.current == 1000 && cap.isFull)
    }

    @Test(arguments: BalancePolicy.allCases)
    func `make every policy pass over a full endpoint`(policy: BalancePolicy) {
        let endpoints = (0..<4).map {
            Endpoint(
                address: TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32($0)), 443),
                priority: $0 == 3 ? 1 : 0)
        }
        var balance = Balance()
        balance.policy = policy
        let caps: [ConnectionCap?] = [ConnectionCap(2), nil, ConnectionCap(5), ConnectionCap(1)]
        let loads = endpoints.map { _ in EndpointLoad() }
        var picker = Picker(endpoints, loads: loads, balance: balance, caps: caps)
        func open(_ number: Int) -> Int? {
            let client = ClientKey(
                source: TransportAddress(IPAddress(v4: UInt32(number) &* 77), 1), serverName: nil)
            guard let index = picker.pick(for: client, now: 1) else { return nil }
            loads[index].open()
            _ = caps[index]?.take()
            return index
        }
        for number in 0..<200 { #expect(open(number) != nil) }
        #expect(loads[0].active <= 2 && loads[2].active <= 5)
        #expect(!picker.isFull())
        // The one without a bound goes.
        picker.states.set(administration: .draining, of: 1, now: 1)
        for number in 0..<10 { _ = open(number) }
        #expect(picker.isFull())
        #expect(open(3) == nil)
        #expect(loads.map(\.active) == [2, loads[1].active, 5, 1])
        loads[2].close()
        caps[2]?.giveBack()
        #expect(!picker.isFull())
        #expect((1...20).compactMap { open($0) } == [2])
    }
}
