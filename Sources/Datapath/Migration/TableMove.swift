// SPDX-License-Identifier: Apache-2.0

internal import KernelBPF

/// The way of one map's rows from another version into the map that we loaded.
struct TableMove: ~Copyable {
    let old: ForeignMap
    let key: LayoutPlan
    let value: LayoutPlan

    /// Opens the map `name` among the pins of the other version and plans the way.
    ///
    /// Every member of a key is essential: two keys must not become one.
    init<Key, Value>(
        _ name: String, from pins: PinDirectory, to new: borrowing BPFMap<Key, Value>,
        essential: [String], narrowing: Set<String> = []
    ) throws(BPFError) {
        let old = try ForeignMap(name: name, pinnedAt: pins.pin(name))
        let layouts = try new.layouts()
        let key = try LayoutPlan(
            from: old.keyLayout, to: layouts.key, essential: layouts.key.members.map(\.path))
        let value = try LayoutPlan(
            from: old.valueLayout, to: layouts.value, essential: essential,
            narrowing: narrowing)
        self.key = key
        self.value = value
        self.old = old
    }

    /// Writes all rows into `new`, over those of the same keys; how many there were.
    borrowing func copy<Key, Value>(
        to new: borrowing BPFMap<Key, Value>,
        _ finish: (inout Value, _ old: RawSpan) -> Void = { _, _ in }
    ) throws(BPFError) -> Int {
        var rows = 0
        try forEachBatch(finish) { (keys: [Key], values: [Value]) throws(BPFError) in
            try new.set(keys.span, to: values.span)
            rows += keys.count
        }
        return rows
    }

    /// Hands all rows to `body` as this version sees them, after `finish`, which gets the bytes of the
    /// old row as well.
    borrowing func forEachBatch<Key: BitwiseCopyable, Value: BitwiseCopyable>(
        _ finish: (inout Value, _ old: RawSpan) -> Void,
        _ body: ([Key], [Value]) throws(BPFError) -> Void
    ) throws(BPFError) {
        let size = value.oldSize
        try old.forEachBatch { count, keys, values throws(BPFError) in
            var newKeys: [Key] = []
            var newValues: [Value] = []
            newKeys.reserveCapacity(count)
            newValues.reserveCapacity(count)
            for index in 0..<count {
                newKeys.append(key.value(index, of: keys, as: Key.self))
                var row = value.value(index, of: values, as: Value.self)
                finish(&row, values.extracting(index * size..<(index + 1) * size))
                newValues.append(row)
            }
            try body(newKeys, newValues)
        }
    }
}
