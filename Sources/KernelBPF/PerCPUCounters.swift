// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF

extension BPFMap where Key == UInt32, Value == UInt64 {
    /// The value of `key` in a per-CPU array, summed over all CPUs.
    public borrowing func sum(of key: UInt32) -> UInt64 {
        let cpus = possibleCPUs
        var key = key
        // The kernel fills one 8-byte value for each possible CPU.
        return unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: cpus) { values in
            guard unsafe bpf_map_lookup_elem(descriptor.number, &key, values.baseAddress) == 0
            else { return 0 }
            return unsafe values.reduce(0, &+)
        }
    }

    /// Takes over the values of another per-CPU array, as far as both have them. Of counts that go up
    /// in this one meanwhile some may be lost.
    public borrowing func takeCounts(of other: borrowing BPFMap<UInt32, UInt64>) {
        var values = [UInt64](repeating: 0, count: possibleCPUs)
        for key in 0..<UInt32(min(capacity, other.capacity)) {
            var key = key
            // Both calls read and write one 8-byte value for each possible CPU.
            guard unsafe bpf_map_lookup_elem(other.descriptor.number, &key, &values) == 0
            else { continue }
            unsafe bpf_map_update_elem(descriptor.number, &key, &values, 0)
        }
    }
}
