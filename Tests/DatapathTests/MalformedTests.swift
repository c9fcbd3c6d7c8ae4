// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

/// One lie in a packet that is right otherwise.
private struct Lie: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let family: Family
    let tell: @Sendable (inout [UInt8], _ tcp: Int) -> Void

    init(_ name: String, _ family: Family, _ tell: @escaping @Sendable (inout [UInt8], Int) -> Void)
    {
        testDescription = "\(name), \(family)"
        self.family = family
        self.tell = tell
    }

    static let all: [Lie] =
        (0...4).map { ihl in Lie("ihl \(ihl)", .v4) { bytes, _ in bytes[14] = 0x40 | ihl } }
        + [
            Lie("ihl beyond the packet", .v4) { bytes, _ in bytes[14] = 0x4f },
            Lie("version 6 in IPv4", .v4) { bytes, _ in bytes[14] = 0x65 },
            Lie("version 0 in IPv4", .v4) { bytes, _ in bytes[14] = 0x05 },
            Lie("version 4 in IPv6", .v6) { bytes, _ in bytes[14] = 0x45 },
            Lie("total length beyond the packet", .v4) { bytes, _ in bytes[17] += 1 },
            Lie("total length of the IP header", .v4) { bytes, _ in bytes[17] = 20 },
            Lie("total length below the TCP header", .v4) { bytes, _ in bytes[17] = 39 },
            Lie("total length below the options", .v4) { bytes, _ in bytes[17] = 51 },
            Lie("total length below the IP header", .v4) { bytes, _ in bytes[17] = 4 },
            Lie("payload length beyond the packet", .v6) { bytes, _ in bytes[19] += 1 },
            Lie("payload length below the options", .v6) { bytes, _ in bytes[19] = 31 },
            Lie("payload length 1", .v6) { bytes, _ in bytes[19] = 1 },
        ]
        + Family.allCases.flatMap { family in
            (0...4).map { doff in
                Lie("doff \(doff)", family) { bytes, tcp in bytes[tcp + 12] = doff << 4 }
            } + [
                Lie("doff beyond the packet", family) { bytes, tcp in bytes[tcp + 12] = 0xf0 },
                Lie("packet cut in the TCP header", family) { bytes, tcp in
                    bytes.removeSubrange((tcp + 13)...)
                },
                Lie("packet cut in the options", family) { bytes, tcp in
                    bytes.removeSubrange((tcp + 25)...)
                },
                Lie("packet cut behind the IP header", family) { bytes, tcp in
                    bytes.removeSubrange(tcp...)
                },
            ]
        }
}

@Suite(.needsKernel) struct `Malformed headers` {
    private func packet(_ lie: Lie) -> [UInt8] {
        var packet = EstablishedSplice(lie.family).fromClient {
            $0.options = [.nop, .nop, .timestamps(1, 2)]
            $0.payload = [1, 2, 3, 4, 5]
        }
        packet.flags = [.ack, .psh]
        var bytes = packet.bytes
        lie.tell(&bytes, packet.tcpOffset)
        return bytes
    }

    @Test(arguments: Lie.all)
    fileprivate func `are dropped, unchanged and counted`(lie: Lie) throws {
        try TestBench.use { bench in
            try EstablishedSplice(lie.family).program(bench)
            let bytes = packet(lie)
            expect(
                try bench.run(.flowsEthernet, on: bytes), leaves: bytes, TCVerdict.drop)
            #expect(bench.counts == [.dropMalformed: 1])
        }
    }

    @Test(arguments: Lie.all)
    fileprivate func `never leave the handshake program as an answer`(lie: Lie) throws {
        try TestBench.use { bench in
            try bench.listen(lie.family)
            let bytes = packet(lie)
            expect(
                try bench.run(.handshakeEthernet, on: bytes), leaves: bytes, TCVerdict.drop)
            #expect(bench.counts == [:], "the flows program counts it")
        }
    }

    @Test(arguments: Lie.all)
    fileprivate func `of the host's own packets are none of the egress guard's affair`(lie: Lie)
        throws
    {
        try TestBench.use { bench in
            try EstablishedSplice(lie.family).program(bench)
            let bytes = packet(lie)
            let result = try bench.run(.egressEthernet, on: bytes) { $0.ingressInterface = 0 }
            expect(result, leaves: bytes, TCVerdict.pass)
        }
    }

    @Test(arguments: Family.allCases)
    func `never appear: no random change of a packet breaks a program`(family: Family) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try bench.listen(family)
            let whole = splice.fromClient {
                $0.options = [.nop, .nop, .timestamps(1, 2), .sack([.init(1, 2)])]
                $0.payload = [1, 2, 3]
            }.bytes
            for _ in 0..<2000 {
                try splice.program(bench)
                var bytes = whole
                for _ in 0...Int.random(in: 0...3) {
                    bytes[Int.random(in: 14..<bytes.count)] = .random(in: 0 ... .max)
                }
                if Bool.random() { bytes = Array(bytes.prefix(.random(in: 54...bytes.count))) }
                for program in [DatapathProgram.flowsEthernet, .handshakeEthernet, .egressEthernet]
                {
                    let result = try bench.run(program, on: bytes)
                    if result.verdict == TCVerdict.pass {
                        #expect(result.packet == bytes, "\(program) \(bytes)")
                    }
                }
            }
            _ = bench.records()
        }
    }
}
