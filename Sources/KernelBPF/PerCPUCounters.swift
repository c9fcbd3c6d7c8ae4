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
}
