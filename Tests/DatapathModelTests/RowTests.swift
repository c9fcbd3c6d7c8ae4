// SPDX-License-Identifier: Apache-2.0

import DatapathModel
import Testing

@Suite struct `Rows of a splice` {
    private let family = Family.v4
    private let clientISN: UInt32 = 0xffff_fffe
    private let cookie: UInt32 = 7
    private let isn: UInt32 = 0x8000_0000

    @Test(arguments: [0, 107] as [UInt16], [0, 28] as [UInt16])
    func `know the initial numbers of both ends`(owned: UInt16, preface: UInt16) {
        var (up, down) = rows
        up.sequenceDelta = isn &- clientISN &+ UInt32(owned) &- UInt32(preface)
        down.acknowledgementDelta = 0 &- up.sequenceDelta
        up.handover.ownedLength = owned
        down.handover.ownedLength = owned
        up.prefaceLength = preface
        down.prefaceLength = preface
        var world = World(route: Family.route(on: 1))
        world.rows = [(family.client, up), (family.upstream.reversed, down)]
        let verdict = verdict(of: synAck, &world)
        #expect(verdict == .redirect)
        for (_, row) in world.rows {
            #expect(row.state == .established)
            #expect(row.clientISN == clientISN)
            #expect(row.cookie == cookie)
            #expect(row.isn == isn)
        }
    }

    /// While the endpoint is silent.
    private var rows: (up: Row, down: Row) {
        var up = Row(rewrite: family.upstream, state: .connecting)
        var down = Row(rewrite: family.client.reversed, state: .connecting)
        up.flags = [.upstream]
        up.firstSequence = clientISN &+ 1
        up.ownISN = cookie
        down.ownISN = isn
        return (up, down)
    }

    private var synAck: Draft {
        var draft = Draft(family.upstream.reversed)
        draft.flags = 0x12
        draft.sequence = 0xffff_ffff
        draft.acknowledgement = isn &+ 1
        return draft
    }

    private func verdict(of draft: Draft, _ world: inout World) -> Verdict {
        Translator.outcome(
            of: draft.bytes, protocol: 0x0800, at: .flows, link: .ethernet, world: &world
        ).verdict
    }
}
