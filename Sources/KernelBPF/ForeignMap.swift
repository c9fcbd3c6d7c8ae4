// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// A pinned map that another program made: its keys and values are bytes, laid out as its BTF says.
public struct ForeignMap: ~Copyable, Sendable {
    /// The map's name, for messages.
    public let name: String
    /// How many entries it has room for.
    public let capacity: Int
    /// How its keys are laid out.
    public let keyLayout: StructLayout
    /// How its values are laid out.
    public let valueLayout: StructLayout
    private let descriptor: FileDescriptor

    /// Opens the map that is pinned at `path`. CAP_SYS_ADMIN.
    public init(name: String, pinnedAt path: String) throws(BPFError) {
        let descriptor = try openPin(path)
        let layouts = try mapLayouts(descriptor.number, name)
        let sizes = try mapSizes(descriptor.number, name)
        guard sizes.key == layouts.key.size, sizes.value == layouts.value.size else {
            throw BPFError("map \(name) has not the sizes that its BTF says")
        }
        self.name = name
        capacity = sizes.capacity
        keyLayout = layouts.key
        valueLayout = layouts.value
        self.descriptor = descriptor
    }

    /// Reads all entries in batches. `body` gets how many there are, their keys one after the other,
    /// and their values. Entries that come and go meanwhile may be missed. Kernel 5.6.
    public borrowing func forEachBatch(
        _ body: (_ count: Int, _ keys: RawSpan, _ values: RawSpan) throws(BPFError) -> Void
    ) throws(BPFError) {
        var room = 512
        var position: UInt32?
        while true {
            var keys = [UInt8](repeating: 0, count: room * keyLayout.size)
            var values = [UInt8](repeating: 0, count: room * valueLayout.size)
            var count = UInt32(room)
            var from = position ?? 0
            var next: UInt32 = 0
            // The kernel writes at most `room` keys and values, and positions of 4 bytes.
            let result = unsafe withUnsafeMutablePointer(to: &from) { from in
                unsafe bpf_map_lookup_batch(
                    descriptor.number, position == nil ? nil : from, &next, &keys, &values,
                    &count, nil)
            }
            if result == -ENOSPC {
                // The next bucket holds more.
                room *= 4
                continue
            }
            guard result == 0 || result == -ENOENT else {
                throw BPFError("cannot read map \(name)", errno: -result)
            }
            unsafe try body(Int(count), keys.span.bytes, values.span.bytes)
            if result == -ENOENT { return }
            position = next
        }
    }
}
