// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Testing
import WireTypes

@Suite(.needsKernel) struct `A segment to a port that splices come from` {
    private func segment(to address: String) -> TestPacket {
        let endpoint = Family.v4.upstream.destination
        var packet = TestPacket(
            FlowTuple(
                source: address.contains("[") ? Family.v6.upstream.destination : endpoint,
                destination: DatapathTests.address(address)))
        packet.payload = [1, 2, 3]
        return packet
    }

    @Test(arguments: ["10.255.255.1:20003", "[2001:db8:ffff::1]:20003"], [false, true])
    func `is told to the daemon when no flow and no socket has it`(
        address: String, forwards: Bool
    ) throws {
        try TestBench.use { bench in
            let packet = segment(to: address)
            let run = { try bench.run(.handshakeEthernet, on: packet) }
            expect(
                try forwards ? bench.forwarding(run) : run(), leaves: packet.bytes, TCVerdict.drop)
            #expect(bench.counts == [.dropStray: 1])
            #expect(bench.records().flows.map(\.kind) == [.stray])
        }
    }

    /// A router's own business, whatever its ports.
    @Test(arguments: ["8.0.9.9:20003", "[2001:db8:86dd::99]:20003"])
    func `of another host is left alone where the host forwards`(address: String) throws {
        try TestBench.use { bench in
            let packet = segment(to: address)
            let result = try bench.forwarding { try bench.run(.handshakeEthernet, on: packet) }
            expect(result, leaves: packet.bytes, TCVerdict.pass)
            #expect(bench.counts == [.passNoFlow: 1])
            #expect(bench.records().flows.isEmpty)
        }
    }
}
