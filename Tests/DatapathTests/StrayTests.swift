// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Testing
import WireTypes

@Suite(.needsKernel) struct `A segment to a port that splices come from` {
    private func segment(to address: String) -> TestPacket {
        let family = address.contains("[") ? Family.v6 : .v4
        var packet = TestPacket(
            FlowTuple(
                source: family.upstream.destination,
                destination: DatapathTests.address(address)))
        packet.payload = [1, 2, 3]
        return packet
    }

    private func use(_ body: (TestBench) throws -> Void) throws {
        try TestBench.use { bench in
            try bench.datapath.expect([Family.v4, .v6].map(\.upstream.destination))
            try body(bench)
        }
    }

    @Test(arguments: ["10.255.255.1:20003", "[2001:db8:ffff::1]:20003"], [false, true])
    func `is told to the daemon when no flow and no socket has it`(
        address: String, forwards: Bool
    ) throws {
        try use { bench in
            let packet = segment(to: address)
            let run = { try bench.run(.handshakeEthernet, on: packet) }
            expect(
                try forwards ? bench.forwarding(run) : run(), leaves: packet.bytes, TCVerdict.drop)
            #expect(bench.counts == [.dropStray: 1])
            #expect(bench.records().flows.map(\.kind) == [.stray])
        }
    }

    /// It may have a way on that only netfilter knows: a client's, of a port that is forwarded, or a
    /// server's, to a client behind this host.
    @Test(arguments: ["10.255.255.1:20003", "[2001:db8:ffff::1]:20003"])
    func `is the host's own affair when it comes from no endpoint`(address: String) throws {
        try use { bench in
            let endpoint = segment(to: address).tuple.source
            for stranger in [
                TransportAddress(endpoint.address, endpoint.port + 1),
                TransportAddress(endpoint.address.isIPv4 ? .anyIPv4 : .anyIPv6, endpoint.port),
            ] {
                var packet = segment(to: address)
                packet.tuple = FlowTuple(
                    source: stranger, destination: packet.tuple.destination)
                let result = try bench.run(.handshakeEthernet, on: packet)
                expect(result, leaves: packet.bytes, TCVerdict.pass)
            }
            #expect(bench.counts == [.passNoFlow: 2])
            #expect(bench.records().flows.isEmpty)
        }
    }

    /// An interface that hears its neighbours' frames: a bridge's port, a macvtap's.
    @Test func `is not looked at in a frame to somebody else`() throws {
        try use { bench in
            var packet = segment(to: "10.255.255.1:20003")
            packet.link?[5] = 9
            let result = try bench.run(.handshakeEthernet, on: packet)
            expect(result, leaves: packet.bytes, TCVerdict.pass)
            #expect(bench.counts == [.passNoFlow: 1])
        }
    }

    /// A router's own business, whatever its ports.
    @Test(arguments: ["8.0.9.9:20003", "[2001:db8:86dd::99]:20003"])
    func `of another host is left alone where the host forwards`(address: String) throws {
        try use { bench in
            let packet = segment(to: address)
            let result = try bench.forwarding { try bench.run(.handshakeEthernet, on: packet) }
            expect(result, leaves: packet.bytes, TCVerdict.pass)
            #expect(bench.counts == [.passNoFlow: 1])
            #expect(bench.records().flows.isEmpty)
        }
    }
}
