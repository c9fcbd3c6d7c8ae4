// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// FNV-1a over the bytes of a name, last byte first: on the way, it is the hash of every suffix.
struct NameHash: Hashable, Sendable {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
}

/// A hash table from names to numbers, open addressing, for as many names as it was made for.
struct NameIndex: Hashable, Sendable {
    private struct Slot: Hashable, Sendable {
        var hash: UInt64 = 0
        var start: UInt32 = 0
        /// 0 marks a free slot: no name is empty.
        var length: UInt32 = 0
        var value: UInt32 = 0
    }

    /// All names, one behind the other.
    private var text: [UInt8] = []
    /// A power of two, at least half of them free.
    private var slots: [Slot]

    private(set) var isEmpty = true

    /// Room for `capacity` names.
    init(capacity: Int) {
        var size = 2
        while size < capacity * 2 { size *= 2 }
        slots = [Slot](repeating: Slot(), count: size)
    }

    /// The value of the name that is `bytes` from `start` to the end, whose hash is known.
    func find(_ bytes: Span<UInt8>, from start: Int, _ hash: NameHash) -> UInt32? {
        let slot = slots[position(of: bytes, from: start, hash)]
        return slot.length == 0 ? nil : slot.value
    }

    /// Adds a name with its value; if it is there already, answers the value that it keeps.
    mutating func insert(_ name: ServerName, _ value: UInt32) -> UInt32? {
        let name = name.text.utf8
        let bytes = name.span
        var hash = NameHash()
        for index in stride(from: bytes.count - 1, through: 0, by: -1) { hash.add(bytes[index]) }
        let position = position(of: bytes, from: 0, hash)
        guard slots[position].length == 0 else { return slots[position].value }
        slots[position] = Slot(
            hash: hash.value, start: UInt32(text.count), length: UInt32(bytes.count),
            value: value)
        text.append(contentsOf: name)
        isEmpty = false
        return nil
    }

    /// Replaces all values.
    mutating func mapValues(_ change: (UInt32) -> UInt32) {
        for position in slots.indices where slots[position].length != 0 {
            slots[position].value = change(slots[position].value)
        }
    }

    /// The slot that holds the name, or the free one where it would go.
    private func position(of bytes: Span<UInt8>, from start: Int, _ hash: NameHash) -> Int {
        // FNV's low bits are its best; the high ones are folded in for long tables.
        var position = Int(truncatingIfNeeded: hash.value ^ hash.value >> 32) & (slots.count - 1)
        while slots[position].length != 0, !holds(slots[position], bytes, start, hash) {
            position = (position + 1) & (slots.count - 1)
        }
        return position
    }

    private func holds(_ slot: Slot, _ bytes: Span<UInt8>, _ start: Int, _ hash: NameHash) -> Bool {
        let count = bytes.count - start
        guard slot.hash == hash.value, Int(slot.length) == count else { return false }
        let text = text.span
        for index in 0..<count where text[Int(slot.start) + index] != bytes[start + index] {
            return false
        }
        return true
    }
}
