// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KernelBPF

extension KernelDatapath {
    /// Brings what the programs of another version left in a row into ours, while packets pass.
    ///
    /// In the kernel, in place: the kernel recycles rows that userspace replaces, under the hands of a
    /// program that is at work on one.
    func merge(_ entry: flow_entry, at key: flow_tuple) throws(BPFError) {
        var left = left_row()
        left.tuple = key
        left.row = entry
        left.row.state = UInt8(FLOW_CONNECTING.rawValue)
        left.state = entry.state
        // The bytes of a local copy.
        let message = unsafe withUnsafeBytes(of: left) { bytes in unsafe Array(bytes) }
        guard try merging?.run(on: message) != nil else {
            throw BPFError("the program merge_row was not loaded")
        }
    }
}
