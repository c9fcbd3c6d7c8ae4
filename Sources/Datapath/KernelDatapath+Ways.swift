// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KernelBPF

extension KernelDatapath {
    /// The interface that rows leave by whose way is in that slot; 0: not known. One system call.
    func interface(ofWay slot: UInt16) -> UInt32 {
        ways.value(of: UInt32(slot))?.hop.ifindex ?? 0
    }
}
