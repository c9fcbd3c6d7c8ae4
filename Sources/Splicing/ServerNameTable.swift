// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import WireTypes

/// Ids of server names, shared by all workers: flows carry the id, a map has the text.
///
/// Strangers choose the names under a wildcard, so the table is bounded and unused names go.
public final class ServerNameTable: Sendable {
    private struct State {
        var ids: [ServerName: UInt32] = [:]
        var taken: Set<UInt32> = []
        var unused: Set<UInt32> = []
        var nextID: UInt32 = 1
    }

    /// Most names kept.
    public let capacity: Int
    private let state: Mutex<State>
    private let generationNumber = Atomic<UInt64>(0)
    private let store: @Sendable (ServerName, UInt32) -> Bool
    private let forget: @Sendable (UInt32) -> Void

    /// A table that holds `known` and tells what is written to the map and removed from it.
    public init(
        known: [(id: UInt32, name: ServerName)], capacity: Int = 100_000,
        store: @escaping @Sendable (ServerName, UInt32) -> Bool,
        forget: @escaping @Sendable (UInt32) -> Void
    ) {
        var first = State()
        for (id, name) in known {
            first.ids[name] = id
            first.taken.insert(id)
            first.nextID = max(first.nextID, id)
        }
        state = Mutex(first)
        self.capacity = capacity
        self.store = store
        self.forget = forget
    }

    /// Rises when names were removed: caches of ids are void then.
    public var generation: UInt64 { generationNumber.load(ordering: .acquiring) }

    /// The id of `name`, new or not; 0 when the table is full.
    public func id(of name: ServerName) -> UInt32 {
        state.withLock { state in
            if let id = state.ids[name] {
                state.unused.remove(id)
                return id
            }
            guard state.ids.count < capacity else { return 0 }
            // After 2³² names the numbers come round; those of names that are kept are stepped over.
            while state.nextID == 0 || state.taken.contains(state.nextID) { state.nextID &+= 1 }
            let id = state.nextID
            guard store(name, id) else { return 0 }
            state.nextID &+= 1
            state.ids[name] = id
            state.taken.insert(id)
            return id
        }
    }

    /// The name with an id; nil when there is none any more. Looks at all of them.
    public func name(of id: UInt32) -> ServerName? {
        guard id != 0 else { return nil }
        return state.withLock { $0.ids.first { $0.value == id }?.key }
    }

    /// Removes names that no flow used in two sweeps in a row; only once the table is half full.
    public func sweep(used: Set<UInt32>) {
        state.withLock { state in
            guard state.ids.count > capacity / 2 else { return }
            let gone = state.ids.filter { !used.contains($1) && state.unused.contains($1) }
            state.unused = Set(state.ids.values.filter { !used.contains($0) })
            guard !gone.isEmpty else { return }
            generationNumber.add(1, ordering: .releasing)
            for (name, id) in gone {
                state.ids[name] = nil
                state.unused.remove(id)
                state.taken.remove(id)
                forget(id)
            }
        }
    }
}

/// One worker's copy of the ids it used, so that it takes no lock for a name it knows.
struct ServerNameCache {
    private let table: ServerNameTable
    private var ids: [ServerName: UInt32] = [:]
    private var idGeneration: UInt64

    private static let limit = 16384

    init(_ table: ServerNameTable) {
        self.table = table
        idGeneration = table.generation
    }

    func name(of id: UInt32) -> ServerName? { table.name(of: id) }

    /// Rises when ids became void.
    var generation: UInt64 { table.generation }

    mutating func id(of name: ServerName?) -> UInt32 {
        guard let name else { return 0 }
        let now = table.generation
        if now != idGeneration || ids.count > Self.limit {
            ids.removeAll(keepingCapacity: true)
            idGeneration = now
        }
        if let id = ids[name] { return id }
        let id = table.id(of: name)
        ids[name] = id
        return id
    }
}
