// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Pairs of rows` {
    private func rows(
        client: String = "192.0.2.7:5000", port: UInt16 = 20000, created: UInt64 = 1
    ) throws -> (up: SpliceRow, down: SpliceRow) {
        let client = FlowTuple(
            source: try #require(TransportAddress(client)),
            destination: try #require(TransportAddress("192.0.2.1:443")))
        let upstream = FlowTuple(
            source: try #require(TransportAddress("198.51.100.1:\(port)")),
            destination: try #require(TransportAddress("198.51.100.9:8443")))
        let note = HandshakeNote(clientISN: 100, cookie: 999, listener: 0)
        var splice = Splice(client: client, upstream: upstream, note: note, isn: 300)
        splice.createdNanoseconds = created
        return (
            SpliceRow(client.abi, splice.upstreamEntry),
            SpliceRow(upstream.reversed.abi, splice.downstreamEntry)
        )
    }

    @Test func `are found in any order`() throws {
        var pairs = RowPairs()
        let (first, second) = (try rows(), try rows(client: "192.0.2.8:5000", port: 20002))
        #expect(pairs.add(first.down) == nil)
        #expect(pairs.add(second.up) == nil)
        #expect(pairs.add(second.down)?.upstream == second.up)
        #expect(pairs.add(first.up)?.downstream == first.down)
        #expect(pairs.alone.isEmpty)
    }

    @Test func `are of one connection: a tuple used again is another one`() throws {
        var pairs = RowPairs()
        let old = try rows(created: 1)
        let new = try rows(client: "192.0.2.8:5000", created: 2)
        #expect(pairs.add(old.up) == nil)
        #expect(pairs.add(new.down) == nil)
        #expect(pairs.add(new.up)?.downstream == new.down)
        #expect(Array(pairs.alone) == [old.up])
    }

    @Test func `are not a row that a walk gives twice`() throws {
        var pairs = RowPairs()
        let row = try rows()
        #expect(pairs.add(row.up) == nil)
        #expect(pairs.add(row.up) == nil)
        #expect(pairs.add(row.down)?.upstream == row.up)
        #expect(pairs.alone.isEmpty)
    }
}
