// SPDX-License-Identifier: Apache-2.0

import Splicing
import Testing
import WireTypes

@Suite struct `Port pool` {
    private static let first = at("10.0.0.1:1").address
    private static let second = at("10.0.0.2:1").address

    private func pool(
        _ ranges: [ClosedRange<UInt16>] = [100...104], sources: [IPAddress] = [first],
        worker: Int = 0, workers: Int = 1
    ) -> PortPool {
        PortPool(sources: sources, ranges: ranges, worker: worker, workers: workers)
    }

    private func all(_ pool: inout PortPool) -> [TransportAddress] {
        var taken: [TransportAddress] = []
        while let port = pool.take() { taken.append(port) }
        return taken
    }

    private func ports(_ pool: inout PortPool) -> [UInt16] { all(&pool).map(\.port) }

    @Test func `hands out fresh ports first, then the one returned longest ago`() {
        var pool = pool()
        let a = pool.take()
        let b = pool.take()
        if let b { pool.giveBack(b) }
        if let a { pool.giveBack(a) }
        #expect(ports(&pool) == [102, 103, 104, 101, 100])
    }

    @Test func `has nothing once all are out`() {
        var pool = pool()
        #expect(ports(&pool).count == 5)
        #expect(pool.take() == nil)
        #expect(pool.inUse == 5)
        pool.giveBack(TransportAddress(Self.first, 103))
        #expect(pool.take()?.port == 103)
        #expect(pool.take() == nil)
    }

    @Test func `has nothing without sources or ranges`() {
        var homeless = pool(sources: [])
        var narrow = pool([])
        var foreign = pool([100...100], worker: 1, workers: 4)
        #expect(homeless.take() == nil)
        #expect(narrow.take() == nil)
        #expect(foreign.take() == nil)
    }

    @Test func `passes over a port given back twice`() {
        var pool = pool()
        let all = ports(&pool)
        let port = TransportAddress(Self.first, 102)
        pool.giveBack(port)
        pool.giveBack(port)
        #expect(all.count == 5)
        #expect(pool.inUse == 4)
        #expect(ports(&pool) == [102])
    }

    @Test func `passes over ports that it does not know`() {
        var pool = pool()
        pool.giveBack(TransportAddress(Self.second, 100))
        pool.giveBack(TransportAddress(Self.first, 100))
        #expect(pool.inUse == 0)
        #expect(ports(&pool) == [100, 101, 102, 103, 104])
    }

    @Test func `uses every range of every source`() {
        var pool = pool([100...101, 200...201], sources: [Self.first, Self.second])
        let expected = [Self.first, Self.second].flatMap { source in
            [100, 101, 200, 201].map { TransportAddress(source, $0) }
        }
        #expect(all(&pool) == expected)
    }

    /// What ID-06 asks for, with two workers.
    @Test func `of four addresses has more than 200,000 connections to one endpoint`() {
        let sources = (0...3).map { at("10.0.0.\(200 + $0):1").address }
        var all: Set<TransportAddress> = []
        for worker in 0...1 {
            var pool = pool([10000...65535], sources: sources, worker: worker, workers: 2)
            while let port = pool.take() { all.insert(port) }
            #expect(pool.inUse == 4 * 55536 / 2)
        }
        #expect(all.count == 222_144)
    }

    @Test func `uses the last port there is`() {
        var pool = pool([65534...65535], workers: 1)
        #expect(ports(&pool) == [65534, 65535])
    }

    @Test(arguments: 1...7)
    func `is shared out among workers completely and without overlap`(workers: Int) {
        var seen: [UInt16: Int] = [:]
        for worker in 0..<workers {
            var pool = pool([101...117, 300...303], worker: worker, workers: workers)
            for port in ports(&pool) {
                #expect(seen.updateValue(worker, forKey: port) == nil)
                #expect(PortPool.owner(of: port, workers: workers) == worker)
            }
        }
        #expect(seen.keys.sorted() == Array(101...117) + Array(300...303))
    }

    @Test func `goes over to another source, and keeps what is out of the first`() {
        var pool = pool()
        let old = pool.take()
        pool.use(sources: [Self.second])
        #expect(pool.inUse == 1)
        let new = all(&pool)
        #expect(new.count == 5 && new.allSatisfy { $0.address == Self.second })
        #expect(pool.inUse == 6)
        if let old { pool.giveBack(old) }
        #expect(pool.inUse == 5)
        #expect(pool.take() == nil, "a port of the first source is not handed out again")
    }

    @Test func `that comes back to a source does not hand out twice what is still out`() {
        var pool = pool()
        let out = [pool.take(), pool.take()].compactMap(\.self)
        pool.use(sources: [Self.second])
        pool.use(sources: [Self.first])
        #expect(pool.inUse == 2)
        pool.giveBack(out[1])
        #expect(ports(&pool).sorted() == [101, 102, 103, 104])
        #expect(pool.inUse == 5)
    }

    @Test func `keeps the order of a source that stays, wherever it stands then`() {
        var pool = pool(sources: [Self.second, Self.first])
        let taken = all(&pool)
        for port in taken.reversed() { pool.giveBack(port) }
        pool.use(sources: [Self.first])
        #expect(ports(&pool) == [104, 103, 102, 101, 100])
    }

    @Test func `that has to leave ports to others hands them out no more`() {
        var pool = pool()
        let out = [pool.take(), pool.take(), pool.take()].compactMap(\.self)
        pool.giveBack(out[2])
        pool.use(sources: [Self.first], ranges: [100...101])
        #expect(pool.inUse == 2)
        #expect(pool.take() == nil)
        for port in out.prefix(2) { pool.giveBack(port) }
        #expect(ports(&pool) == [100, 101])
        pool.use(sources: [Self.first], ranges: [100...104])
        #expect(ports(&pool) == [102, 103, 104])
    }

    @Test func `does nothing when told the sources that it has`() {
        var pool = pool()
        if let port = pool.take() { pool.giveBack(port) }
        pool.use(sources: [Self.first])
        #expect(ports(&pool) == [101, 102, 103, 104, 100])
    }
}

@Suite struct `Port pool after a restart` {
    private let source = at("10.0.0.1:1").address

    private func pool(worker: Int = 0, workers: Int = 1) -> PortPool {
        PortPool(sources: [source], ranges: [100...104], worker: worker, workers: workers)
    }

    private func ports(_ pool: inout PortPool) -> [UInt16] {
        var ports: [UInt16] = []
        while ports.count < 100, let port = pool.take() { ports.append(port.port) }
        return ports
    }

    @Test func `keeps a reserved port until it is given back`() {
        var pool = pool()
        pool.reserve(TransportAddress(source, 102))
        pool.reserve(TransportAddress(source, 102))
        #expect(pool.inUse == 1)
        #expect(ports(&pool) == [100, 101, 103, 104])
        pool.giveBack(TransportAddress(source, 102))
        #expect(ports(&pool) == [102])
    }

    @Test func `hands a reserved port out once when it comes back early`() {
        var pool = pool()
        pool.reserve(TransportAddress(source, 102))
        pool.giveBack(TransportAddress(source, 102))
        #expect(ports(&pool).sorted() == [100, 101, 102, 103, 104])
        #expect(pool.inUse == 5)
    }

    @Test func `keeps to its ranges when an adopted flow used another port`() {
        var pool = pool()
        pool.reserve(TransportAddress(source, 999))
        #expect(pool.inUse == 1)
        pool.giveBack(TransportAddress(source, 999))
        #expect(pool.inUse == 0)
        #expect(ports(&pool) == [100, 101, 102, 103, 104])
    }

    @Test func `leaves another worker's port alone when it comes back`() {
        var pool = pool(worker: 0, workers: 2)
        pool.reserve(TransportAddress(source, 101))
        pool.giveBack(TransportAddress(source, 101))
        #expect(ports(&pool) == [100, 102, 104])
    }
}

@Suite struct `Port pool in the long run` {
    /// SC-07: opened and closed a million times, with a changing number of flows that linger.
    @Test func `hands out no port in use in a million cycles`() {
        let source = at("10.0.0.1:1").address
        var pool = PortPool(sources: [source], ranges: [1000...3999], worker: 0, workers: 1)
        var isOut = [Bool](repeating: false, count: 4000)
        var lingering = [UInt16](repeating: 0, count: 3000)
        var first = 0
        var count = 0
        var clashes = 0
        for cycle in 0..<1_000_000 {
            // Between 1 and 3000 are out, now more, now fewer.
            let wanted = 1 + (cycle / 7000 * 1021) % 3000
            while count >= wanted {
                let port = lingering[first]
                first = (first + 1) % 3000
                count -= 1
                isOut[Int(port)] = false
                pool.giveBack(TransportAddress(source, port))
            }
            guard let port = pool.take() else {
                clashes += 1
                continue
            }
            if isOut[Int(port.port)] { clashes += 1 }
            isOut[Int(port.port)] = true
            lingering[(first + count) % 3000] = port.port
            count += 1
        }
        #expect(clashes == 0)
        #expect(pool.inUse == count)
        #expect(pool.returnedCount < 10_000)
    }
}
