// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

@Suite(.needsKernel) struct `Checksums after translation` {
    @Test(arguments: Family.allCases)
    func `stay broken when they were: nothing is repaired on the way`(family: Family) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            let packet = splice.fromClient { $0.payload = [1, 2, 3, 4] }
            var bytes = packet.bytes
            bytes[packet.payloadOffset] ^= 0x10
            let result = try bench.run(.flowsEthernet, on: bytes)
            #expect(result.verdict == TCVerdict.redirect)
            #expect(PacketReading(result.packet).faults == ["TCP checksum is wrong"])
        }
    }

    @Test func `of IPv4 headers stay broken when they were`() throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(.v4)
            try splice.program(bench)
            var bytes = splice.fromClient().bytes
            bytes[14 + 1] ^= 0x10
            let result = try bench.run(.flowsEthernet, on: bytes)
            #expect(PacketReading(result.packet).faults == ["IPv4 header checksum is wrong"])
        }
    }

    /// 0 and 0xffff are the same in one's complement; a full recompute gives 0.
    @Test(arguments: Family.allCases)
    func `may be 0 before and after`(family: Family) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            var before = splice.fromClient { $0.payload = [0, 0] }
            before.payload = Array(before.bytes[before.tcpOffset + 16..<before.tcpOffset + 18])
            #expect(Array(before.bytes[before.tcpOffset + 16..<before.tcpOffset + 18]) == [0, 0])
            expect(
                try bench.run(.flowsEthernet, on: before),
                isRedirectOf: before.translated(by: splice.upstream))
            var after = splice.fromClient { $0.payload = [0, 0] }
            let translated = after.translated(by: splice.upstream).bytes
            after.payload = Array(translated[after.tcpOffset + 16..<after.tcpOffset + 18])
            let result = try bench.run(.flowsEthernet, on: after)
            expect(result, isRedirectOf: after.translated(by: splice.upstream))
            #expect(
                Array(result.packet[after.tcpOffset + 16..<after.tcpOffset + 18]) == [0, 0])
        }
    }

    /// The kernel compares skb->csum (CHECKSUM_COMPLETE) with the bytes after the run.
    @Test(arguments: Family.allCases)
    func `agree with the sum that a network card gave the whole packet`(family: Family) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            for options in [[.nop, .nop, .timestamps(1, 2)], [.sack([.init(1, 2)])], []]
                as [[TCPOption]]
            {
                let packet = splice.fromClient {
                    $0.options = options
                    $0.payload = [1, 2, 3]
                }
                let result = try bench.run(.flowsEthernet, on: packet.bytes) {
                    $0.verifiesChecksum = true
                }
                expect(result, isRedirectOf: packet.translated(by: splice.upstream))
            }
        }
    }
}
