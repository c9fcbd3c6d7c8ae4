// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// A map of whatever keys and values, to see how full it is.
public struct MapGauge: ~Copyable, Sendable {
    /// The map's name, for messages.
    public let name: String
    /// How many entries it has room for.
    public let capacity: Int
    /// The kernel's number of it, which programs that use it have in their descriptions.
    public let id: UInt32
    private let sizes: (key: Int, value: Int)
    private let descriptor: FileDescriptor

    /// Opens the hash or LRU map that is pinned at `path`.
    public init(name: String, pinnedAt path: String) throws(BPFError) {
        let descriptor = try openPin(path)
        var details = bpf_map_info()
        var length = UInt32(MemoryLayout<bpf_map_info>.size)
        // The kernel writes at most `length` bytes into the local.
        let result = unsafe bpf_obj_get_info_by_fd(descriptor.number, &details, &length)
        try check(result, "cannot ask for the sizes of map \(name)")
        self.name = name
        capacity = Int(details.max_entries)
        id = details.id
        sizes = (Int(details.key_size), Int(details.value_size))
        self.descriptor = descriptor
    }

    /// How many entries there are, by reading the map through, some thousands of entries a system call;
    /// those that come and go meanwhile may be missed. Half a second for a million. Kernel 5.6.
    public borrowing func count() throws(BPFError) -> Int {
        var room = 4096
        var keys = [UInt8](repeating: 0, count: room * sizes.key)
        var values = [UInt8](repeating: 0, count: room * sizes.value)
        var total = 0
        var position: UInt32?
        while true {
            var count = UInt32(room)
            var from = position ?? 0
            var next: UInt32 = 0
            // The kernel writes at most `room` keys and values, and positions of 4 bytes.
            let result = unsafe withUnsafeMutablePointer(to: &from) { from in
                unsafe bpf_map_lookup_batch(
                    descriptor.number, position == nil ? nil : from, &next, &keys, &values, &count,
                    nil)
            }
            if result == -ENOSPC {
                // The next bucket holds more.
                room *= 4
                keys = [UInt8](repeating: 0, count: room * sizes.key)
                values = [UInt8](repeating: 0, count: room * sizes.value)
                continue
            }
            guard result == 0 || result == -ENOENT else {
                throw BPFError("cannot read map \(name)", errno: -result)
            }
            total += Int(count)
            if result == -ENOENT { return total }
            position = next
        }
    }
}
