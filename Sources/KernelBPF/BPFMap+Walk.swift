// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc
internal import Synchronization

/// How far a map was read. Several threads may read on from the same one: each batch goes to one
/// of them.
public final class MapWalk: Sendable {
    fileprivate struct Position {
        /// What the kernel gave us to go on from: 4 bytes for a hash map. nil: from the beginning.
        var next: UInt32?
        var isAtEnd = false
    }

    fileprivate let position = Mutex(Position())

    /// A walk that begins.
    public init() {}
}

extension BPFMap {
    /// Reads all entries in batches of many a system call. `body` gets each batch; entries that
    /// come and go meanwhile may be missed. Kernel 5.6 for hash maps.
    public borrowing func forEachBatch(_ body: (Span<Key>, Span<Value>) throws -> Void) throws {
        let walk = MapWalk()
        while try nextBatch(of: walk, body) {}
    }

    /// Hands the next batch of `walk` to `body`; false when there was none left. One system call,
    /// for which threads that share the walk queue up; `body` then runs beside the others'.
    ///
    /// - Parameter size: how many entries are read at a time; more where one bucket holds more.
    public borrowing func nextBatch(
        of walk: MapWalk, size: Int = 512,
        _ body: (Span<Key>, Span<Value>) throws -> Void
    ) throws -> Bool {
        // The kernel writes at most `size` keys and values.
        let isDone: Bool? = try unsafe withUnsafeTemporaryAllocation(of: Key.self, capacity: size) {
            keys in
            try unsafe withUnsafeTemporaryAllocation(of: Value.self, capacity: size) { values in
                let count = try walk.position.withLock { position in
                    unsafe try read(keys, values, at: &position)
                }
                guard let count else { return nil }
                if count < 0 { return false }
                try unsafe body(
                    keys.span.extracting(first: count), values.span.extracting(first: count))
                return true
            }
        }
        return try isDone ?? nextBatch(of: walk, size: size * 4, body)
    }

    /// How many entries were read: -1 behind the last, nil when the next bucket holds more than
    /// there is room for.
    private borrowing func read(
        _ keys: UnsafeMutableBufferPointer<Key>, _ values: UnsafeMutableBufferPointer<Value>,
        at position: inout MapWalk.Position
    ) throws(BPFError) -> Int? {
        if position.isAtEnd { return -1 }
        var count = UInt32(keys.count)
        var from = position.next ?? 0
        var next: UInt32 = 0
        // The kernel reads and writes a position of 4 bytes, and `count` keys and values.
        let result = unsafe withUnsafeMutablePointer(to: &from) { from in
            unsafe bpf_map_lookup_batch(
                descriptor.number, position.next == nil ? nil : from, &next, keys.baseAddress,
                values.baseAddress, &count, nil)
        }
        if result == -ENOSPC { return nil }
        guard result == 0 || result == -ENOENT else {
            throw BPFError("cannot read map \(name)", errno: -result)
        }
        position.next = next
        position.isAtEnd = result == -ENOENT
        return Int(count)
    }
}
