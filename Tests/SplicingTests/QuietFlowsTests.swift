// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Quiet flows` {
    private func row(_ port: UInt16 = 5000, created: UInt64 = 1) throws -> SpliceRow {
        let client = FlowTuple(
            source: try #require(TransportAddress("192.0.2.7:\(port)")),
            destination: try #require(TransportAddress("192.0.2.1:443")))
        let upstream = FlowTuple(
            source: try #require(TransportAddress("198.51.100.1:20000")),
            destination: try #require(TransportAddress("198.51.100.9:8443")))
        var note = HandshakeNote(clientISN: 100, cookie: 999, listener: 0)
        note.hasTimestamps = true
        note.timestamp = 77
        var splice = Splice(client: client, upstream: upstream, note: note, isn: 300)
        splice.createdNanoseconds = created
        var entry = splice.upstreamEntry
        entry.last_ack = 1000
        return SpliceRow(client.abi, entry)
    }

    @Test func `are asked some times and then ended when nobody answers`() throws {
        var quiet = QuietFlows()
        let row = try row()
        let verdicts = (1...4).map { quiet.judge(row, lastSeen: 5, now: UInt64($0) * 100) }
        #expect(verdicts == [.ask, .ask, .ask, .end])
    }

    @Test func `live on when both answered`() throws {
        var quiet = QuietFlows()
        let row = try row()
        #expect(quiet.judge(row, lastSeen: 5, now: 100) == .ask)
        #expect(quiet.judge(row, lastSeen: 101, now: 200) == .wait)
        // Silent again, much later: the questions begin anew.
        #expect(quiet.judge(row, lastSeen: 101, now: 900) == .ask)
    }

    @Test func `are waited for until both have answered`() throws {
        var quiet = QuietFlows()
        let row = try row()
        #expect(!quiet.isAsking(row))
        _ = quiet.judge(row, lastSeen: 5, now: 100)
        #expect(quiet.isAsking(row))
        #expect(try !quiet.isAsking(self.row(created: 2)))
        _ = quiet.judge(row, lastSeen: 101, now: 200)
        #expect(!quiet.isAsking(row))
    }

    @Test func `of another connection on the same port are asked themselves`() throws {
        var quiet = QuietFlows()
        for _ in 1...3 { _ = quiet.judge(try row(), lastSeen: 5, now: 100) }
        #expect(quiet.judge(try row(created: 2), lastSeen: 5, now: 200) == .ask)
    }

    @Test func `are forgotten when they are not quiet any more`() throws {
        var quiet = QuietFlows()
        let row = try row()
        for _ in 1...3 { _ = quiet.judge(row, lastSeen: 5, now: 100) }
        quiet.keep([])
        #expect(quiet.judge(row, lastSeen: 5, now: 200) == .ask)
    }

    @Test func `are asked right below what they expect, with a timestamp they know`() throws {
        let row = try row()
        let probe = Segment(probing: row, peer: row)
        #expect(probe.tuple == row.client.reversed)
        #expect(probe.sequence == 999)
        #expect(probe.flags == .acknowledge)
        #expect(probe.timestamp == 77)
        let reset = Segment(resetting: row)
        #expect(reset.sequence == 1000 && reset.flags == .reset)
    }
}
