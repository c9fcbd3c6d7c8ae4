// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WireTypes

@testable import Splicing

/// The map behind a table, as a test sees it.
private final class NameMap: Sendable {
    let names = Mutex<[UInt32: ServerName]>([:])
    let refuses = Atomic<Bool>(false)

    var count: Int { names.withLock { $0.count } }

    func table(_ known: [(id: UInt32, name: ServerName)] = [], capacity: Int) -> ServerNameTable {
        ServerNameTable(known: known, capacity: capacity) { [self] name, id in
            guard !refuses.load(ordering: .relaxed) else { return false }
            names.withLock { $0[id] = name }
            return true
        } forget: { [self] id in
            names.withLock { $0[id] = nil }
        }
    }
}

@Suite struct `Server name table` {
    private let map = NameMap()

    @Test func `gives a name one id and writes it once`() {
        let table = map.table(capacity: 10)
        let first = table.id(of: name("a.test"))
        #expect(first != 0)
        #expect(table.id(of: name("b.test")) != first)
        #expect(table.id(of: name("a.test")) == first)
        #expect(map.count == 2)
    }

    @Test func `goes on from the names that it found`() {
        let table = map.table([(id: 7, name: name("a.test"))], capacity: 10)
        #expect(table.id(of: name("a.test")) == 7)
        #expect(table.id(of: name("b.test")) == 8)
        #expect(map.count == 1)
    }

    @Test func `begins anew behind the last number, past those that are kept`() {
        let kept: [(UInt32, ServerName)] = [(.max, name("a.test")), (1, name("b.test"))]
        let table = map.table(kept, capacity: 10)
        #expect(table.id(of: name("c.test")) == 2)
        #expect(table.id(of: name("d.test")) == 3)
        #expect(table.id(of: name("a.test")) == .max)
    }

    @Test func `gives 0 when it is full, or when the map refuses`() {
        let table = map.table(capacity: 2)
        #expect(table.id(of: name("a.test")) != 0)
        map.refuses.store(true, ordering: .relaxed)
        #expect(table.id(of: name("b.test")) == 0)
        map.refuses.store(false, ordering: .relaxed)
        #expect(table.id(of: name("b.test")) != 0)
        #expect(table.id(of: name("c.test")) == 0)
    }

    @Test func `forgets names that two sweeps in a row found unused`() {
        let table = map.table(capacity: 4)
        let ids = ["a.test", "b.test", "c.test"].map { table.id(of: name($0)) }
        table.sweep(used: [ids[0]])
        #expect(map.count == 3)
        #expect(table.generation == 0)
        #expect(table.id(of: name("b.test")) == ids[1])
        table.sweep(used: [ids[0]])
        #expect(map.count == 2)
        #expect(table.generation == 1)
        #expect(table.id(of: name("c.test")) != ids[2])
    }

    @Test func `keeps unused names while it is less than half full`() {
        let table = map.table(capacity: 4)
        let ids = ["a.test", "b.test"].map { table.id(of: name($0)) }
        for _ in 0..<3 { table.sweep(used: []) }
        #expect(table.id(of: name("a.test")) == ids[0])
        #expect(table.generation == 0)
    }
}

@Suite struct `Server name cache` {
    private let map = NameMap()

    @Test func `asks the table once`() {
        let table = map.table(capacity: 4)
        var cache = ServerNameCache(table)
        let id = cache.id(of: name("a.test"))
        #expect(id == table.id(of: name("a.test")))
        #expect(cache.id(of: name("a.test")) == id)
        #expect(cache.id(of: nil) == 0)
    }

    @Test func `forgets its ids when names were removed`() {
        let table = map.table(capacity: 2)
        var cache = ServerNameCache(table)
        let old = cache.id(of: name("a.test"))
        _ = cache.id(of: name("b.test"))
        #expect(cache.id(of: name("c.test")) == 0)
        table.sweep(used: [])
        table.sweep(used: [])
        #expect(map.count == 0)
        #expect(cache.id(of: name("a.test")) > old)
        #expect(cache.id(of: name("c.test")) != 0)
    }
}
