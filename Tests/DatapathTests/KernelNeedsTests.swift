// SPDX-License-Identifier: Apache-2.0

import DatapathTesting
import KernelBPF
import Testing

@testable import Datapath

@Suite(.needsKernel) struct `Needs of the datapath` {
    @Test func `are there in a kernel that loads it`() throws {
        try TestBench.use { _ in #expect(KernelFeature.complaint(about: kernelNeeds) == nil) }
    }

    @Test func `are named when the kernel has them not`() {
        let future = KernelFeature("bpf_future", helper: 60_000, since: "99.1")
        #expect(!future.isThere)
        #expect(
            KernelFeature.complaint(about: kernelNeeds + [future])
                == "This kernel lacks what the datapath needs: bpf_future (Linux 99.1)")
    }
}
