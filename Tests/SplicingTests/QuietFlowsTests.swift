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
        var splice = Splice(client: client, upstream: upstream, note: note, isn: 300)
        splice.createdNanoseconds = created
        var entry = splice.upstreamEntry
        entry.last_ack = 1000
        return SpliceRow(client.abi, entry)
    }

    private static let second: UInt64 = 1_000_000_000

    /// Of a flow that was seen and had data for the last time at these seconds, now.
    private func verdict(
        _ quiet: inout QuietFlows, _ row: SpliceRow, seen: Double, data: Double = 0, at now: Double
    ) -> QuietFlows.Verdict {
        let moment = { (seconds: Double) in UInt64(seconds * 1e9) }
        return quiet.judge(
            row, lastSeen: moment(seen), lastData: moment(data), now: moment(now))
    }

    @Test func `are asked some times and then ended when nobody answers`() throws {
        var quiet = QuietFlows()
        let row = try row()
        let verdicts = (1...4).map {
            verdict(&quiet, row, seen: 5, at: 100 + Double($0) * 5)
        }
        #expect(verdicts == [.ask, .ask, .ask, .end])
    }

    @Test func `live on when both answered`() throws {
        var quiet = QuietFlows()
        let row = try row()
        #expect(verdict(&quiet, row, seen: 5, at: 100) == .ask)
        #expect(verdict(&quiet, row, seen: 101, at: 105) == .wait)
        // Silent again, much later: the questions begin anew.
        #expect(verdict(&quiet, row, seen: 101, at: 900) == .ask)
    }

    /// Rows have the tick that it was in, which began before the question.
    @Test func `live on when both answered at once`() throws {
        var quiet = QuietFlows()
        let row = try row()
        #expect(verdict(&quiet, row, seen: 5, at: 100) == .ask)
        let asked = 100 * Self.second
        let seen = Tick(nanoseconds: asked).nanoseconds(since: 1) - (1 << 24)
        #expect(
            quiet.judge(row, lastSeen: seen, lastData: 0, now: asked + 5 * Self.second) == .wait)
    }

    @Test func `are waited for until both have answered`() throws {
        var quiet = QuietFlows()
        let row = try row()
        #expect(!quiet.isAsking(row))
        _ = verdict(&quiet, row, seen: 5, at: 100)
        #expect(quiet.isAsking(row))
        #expect(try !quiet.isAsking(self.row(created: 2)))
        _ = verdict(&quiet, row, seen: 101, at: 105)
        #expect(!quiet.isAsking(row))
    }

    /// Who sends it finds out himself that nobody is there, and an outage may be over before.
    @Test func `are not quiet any more when one end has new data`() throws {
        var quiet = QuietFlows()
        let row = try row()
        for now in [100.0, 105, 110] {
            #expect(verdict(&quiet, row, seen: 5, at: now) == .ask)
        }
        #expect(verdict(&quiet, row, seen: 5, data: 112, at: 115) == .wait)
        #expect(!quiet.isAsking(row))
    }

    @Test func `of another connection on the same port are asked themselves`() throws {
        var quiet = QuietFlows()
        for now in [100.0, 105, 110] { _ = try verdict(&quiet, row(), seen: 5, at: now) }
        #expect(try verdict(&quiet, row(created: 2), seen: 5, at: 115) == .ask)
    }

    @Test func `are forgotten when they are not quiet any more`() throws {
        var quiet = QuietFlows()
        let row = try row()
        for now in [100.0, 105, 110] { _ = verdict(&quiet, row, seen: 5, at: now) }
        quiet.keep([])
        #expect(verdict(&quiet, row, seen: 5, at: 115) == .ask)
    }

    @Test func `are asked right below what they expect, with a timestamp they know`() throws {
        let row = try row(created: 77_999_999)
        let probe = Segment(probing: row, peer: row)
        #expect(probe.tuple == row.client.reversed)
        #expect(probe.sequence == 999)
        #expect(probe.flags == .acknowledge)
        #expect(probe.timestamp == 77)
        let reset = Segment(resetting: row)
        #expect(reset.sequence == 1000 && reset.flags == .reset)
    }
}
