// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

@Suite(.needsKernel) struct `Translation of the window` {
    @Test(arguments: Array(-14...14) as [Int8])
    func `shifts both ways, rounds down and saturates`(shift: Int8) throws {
        try TestBench.use { bench in
            var splice = EstablishedSplice(.v4)
            splice.downstream.windowShift = shift
            try splice.program(bench)
            for window: UInt16 in [0, 1, 2, 3, 127, 128, 511, 0x7fff, 0x8000, 0xffff] {
                let packet = splice.fromEndpoint { $0.window = window }
                let result = try bench.run(.flowsEthernet, on: packet)
                expect(result, isRedirectOf: packet.translated(by: splice.downstream))
            }
        }
    }

    @Test func `is left out of a SYN, whose window is never scaled`() throws {
        try TestBench.use { bench in
            var splice = EstablishedSplice(.v6)
            splice.upstream.windowShift = 3
            try splice.program(bench)
            let packet = splice.fromClient([.syn]) { $0.window = 0x1001 }
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, isRedirectOf: packet.translated(by: splice.upstream))
            #expect(result.packet[packet.tcpOffset + 14] == 0x10)
        }
    }
}
