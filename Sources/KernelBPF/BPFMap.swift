// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// A map with keys and values of plain old data, checked against the kernel's sizes when opened.
///
/// Byte order and meaning of the fields are the caller's affair. The descriptor lives as long as
/// this value.
public struct BPFMap<Key: BitwiseCopyable, Value: BitwiseCopyable>: ~Copyable, Sendable
where Key: Sendable, Value: Sendable {
    /// The map's name, for messages.
    public let name: String
    /// How many entries it has room for.
    public let capacity: Int
    let descriptor: FileDescriptor

    /// Takes a descriptor of a map and compares its key and value size with `Key` and `Value`.
    public init(name: String, owning descriptor: consuming FileDescriptor) throws(BPFError) {
        let sizes = try mapSizes(descriptor.number, name)
        guard sizes.key == MemoryLayout<Key>.size, sizes.value == MemoryLayout<Value>.stride else {
            throw BPFError(
                "map \(name) has keys of \(sizes.key) and values of \(sizes.value) bytes, "
                    + "\(MemoryLayout<Key>.size) and \(MemoryLayout<Value>.stride) expected",
                detail: "It is of another version; remove it with: sluice unload")
        }
        self.name = name
        self.capacity = sizes.capacity
        self.descriptor = descriptor
    }

    /// The descriptor, for calls that take one; valid while the map lives.
    public var number: Int32 { descriptor.number }

    /// The value of `key`, or nil. One system call.
    public borrowing func value(of key: Key) -> Value? {
        var key = key
        // Both pointers are to locals that outlive the call; the kernel fills one whole value.
        return unsafe withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { value in
            let result = unsafe bpf_map_lookup_elem(descriptor.number, &key, value.baseAddress)
            return unsafe result == 0 ? value[0] : nil
        }
    }

    /// Writes an entry, new or not. One system call.
    public borrowing func set(_ key: Key, to value: Value) throws(BPFError) {
        var key = key
        var value = value
        // Both pointers are to locals that outlive the call.
        let result = unsafe bpf_map_update_elem(descriptor.number, &key, &value, 0)
        try check(result, "cannot write to map \(name)")
    }

    /// Writes an entry unless there is one; false when there was. One system call.
    public borrowing func insert(_ value: Value, at key: Key) throws(BPFError) -> Bool {
        var key = key
        var value = value
        // Both pointers are to locals that outlive the call.
        let result = unsafe bpf_map_update_elem(
            descriptor.number, &key, &value, UInt64(BPF_NOEXIST))
        if result == -EEXIST { return false }
        try check(result, "cannot write to map \(name)")
        return true
    }

    /// Writes an entry that is there already; false when it is not. One system call.
    @discardableResult
    public borrowing func replace(_ key: Key, with value: Value) -> Bool {
        var key = key
        var value = value
        // Both pointers are to locals that outlive the call.
        return unsafe bpf_map_update_elem(descriptor.number, &key, &value, UInt64(BPF_EXIST)) == 0
    }

    /// Deletes an entry; false when there was none. One system call.
    @discardableResult
    public borrowing func remove(_ key: Key) -> Bool {
        var key = key
        return unsafe bpf_map_delete_elem(descriptor.number, &key) == 0
    }

    /// Writes many entries by one system call.
    public borrowing func set(_ keys: Span<Key>, to values: Span<Value>) throws(BPFError) {
        precondition(keys.count == values.count)
        guard !keys.isEmpty else { return }
        var count = UInt32(keys.count)
        // The spans keep both arrays alive and at rest until the call is over.
        let result = unsafe keys.withUnsafeBufferPointer { keys in
            unsafe values.withUnsafeBufferPointer { values in
                unsafe bpf_map_update_batch(
                    descriptor.number, keys.baseAddress, values.baseAddress, &count, nil)
            }
        }
        try check(result, "cannot write to map \(name)")
    }

    /// Deletes many entries; those that are not there are passed over.
    public borrowing func remove(_ keys: Span<Key>) {
        for index in 0..<keys.count { remove(keys[index]) }
    }

    /// All keys, by walking from one to the next; entries that come and go meanwhile may be missed.
    public borrowing func keys() -> [Key] {
        var keys: [Key] = []
        unsafe withUnsafeTemporaryAllocation(of: Key.self, capacity: 2) { room in
            // room[0] is the key before, room[1] receives the next; both live until the loop ends.
            guard let first = room.baseAddress else { return }
            var result = unsafe bpf_map_get_next_key(descriptor.number, nil, first + 1)
            while result == 0, keys.count <= capacity * 2 {
                unsafe keys.append(room[1])
                unsafe room[0] = room[1]
                result = unsafe bpf_map_get_next_key(descriptor.number, first, first + 1)
            }
        }
        return keys
    }
}

/// Sizes of the map behind a descriptor.
func mapSizes(_ number: Int32, _ name: String) throws(BPFError) -> (
    key: Int, value: Int, capacity: Int
) {
    var details = bpf_map_info()
    var length = UInt32(MemoryLayout<bpf_map_info>.size)
    // The kernel writes at most `length` bytes into the local.
    let result = unsafe bpf_obj_get_info_by_fd(number, &details, &length)
    try check(result, "cannot ask for the sizes of map \(name)")
    return (Int(details.key_size), Int(details.value_size), Int(details.max_entries))
}
