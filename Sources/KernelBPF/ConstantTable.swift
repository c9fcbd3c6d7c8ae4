// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// Gives `outer`, a map of maps, an array of one element that holds `bytes`. Programs see the old
/// one or the new one, never a part of each.
public func setTable(
    _ bytes: [UInt8], named name: String, at key: UInt32, of outer: borrowing BPFMap<UInt32, Int32>
) throws(BPFError) {
    let number = unsafe bpf_map_create(
        BPF_MAP_TYPE_ARRAY, name, UInt32(MemoryLayout<UInt32>.size), UInt32(bytes.count), 1, nil)
    guard number >= 0 else { throw BPFError("cannot create map \(name)", errno: -number) }
    // `outer` holds on to it when this one is closed.
    let table = FileDescriptor(owning: number)
    var first: UInt32 = 0
    // The kernel copies one value of that size before it returns.
    let result = unsafe bytes.withUnsafeBytes {
        unsafe bpf_map_update_elem(table.number, &first, $0.baseAddress, 0)
    }
    try check(result, "cannot write to map \(name)")
    try outer.set(key, to: table.number)
}
