// SPDX-License-Identifier: Apache-2.0

import DatapathModel

extension TrialMaker {
    /// Both rows of a flow in any state, or what is left of it. The packet's own row stands last.
    mutating func makeRows() {
        if random.oneIn(40) { return }
        let way = random.oneIn(40) ? family.unreachable : family.upstream
        var up = Row(rewrite: way, state: .established)
        var down = Row(rewrite: family.client.reversed, state: .established)
        up.flags = [.upstream]
        fill(&up)
        fill(&down)
        down.created = random.oneIn(20) ? up.created &+ 1 : up.created
        let flags = RowFlags(rawValue: random.half() & 0x11e)
        up.flags.formUnion(flags)
        down.flags.formUnion(flags)
        let state: State = random.oneIn(8) ? .connecting : random.pick(State.allCases)
        up.state = state
        down.state = random.oneIn(8) ? random.pick(State.allCases) : state
        if [up.state, down.state].contains(.connecting) { beforeAnswer(&up, &down) }
        var rows = [
            TrialRow(key: family.client, row: up), TrialRow(key: way.reversed, row: down),
        ]
        for index in rows.indices {
            handOver(&rows[index])
            route(&rows[index])
        }
        if random.oneIn(8) { own(&rows) }
        if random.oneIn(20) { rows.remove(at: random.below(2)) }
        trial.rows = isUpstream ? rows.reversed() : rows
    }

    /// What the endpoint has not said yet is not known; the client's first number may be at the end
    /// of the circle.
    private mutating func beforeAnswer(_ up: inout Row, _ down: inout Row) {
        up.firstSequence = number()
        if !random.oneIn(8) { down.firstSequence = 0 }
        up.endpointScale = 0
        down.endpointScale = 0
    }

    /// Bytes of ours in front of the client's, which the endpoint has, has in part or has not.
    private mutating func own(_ rows: inout [TrialRow]) {
        let length = random.pick([1, 28, 52, 107, 536, 0xffff] as [UInt16])
        for index in rows.indices {
            rows[index].row.handover.ownedLength = length
            rows[index].row.prefaceLength = rows[0].row.prefaceLength
        }
        rows[1].row.ownISN = rows[0].row.isn
        rows[0].row.flags.insert(.owned)
        if !random.oneIn(4) {
            let end = rows[0].row.isn &+ 1 &+ UInt32(length)
            rows[1].row.lastAcknowledgement = random.near(random.oneIn(2) ? end : end &- 30)
        }
    }

    private mutating func fill(_ row: inout Row) {
        row.sequenceDelta = delta()
        row.acknowledgementDelta = delta()
        row.timestampDelta = delta()
        row.echoDelta = delta()
        row.windowShift = random.oneIn(2) ? 0 : Int8(random.below(29) - 14)
        row.flags.formUnion(RowFlags(rawValue: random.half() & 0xe0))
        if random.oneIn(2) { row.flags.subtract([.fin, .peerFIN, .finAcknowledged]) }
        row.lastAcknowledgement = number()
        row.nextSequence = UInt64(number()) + UInt64(random.below(3)) << 32
        row.packets = UInt64(random.below(1000))
        row.bytes = random.next() & 0xffff_ffff_ffff
        row.created = 5_000_000_000_000_000 + random.next() & 0xffff_ffff
        row.lastSeen = random.word() & 0xffff
        row.lastData = random.word() & 0xffff
        row.ingressInterface = UInt32(random.below(3))
        row.firstSequence = random.word()
        if random.oneIn(4) {
            // Right at the edge of what is believed of an RST.
            row.bytes =
                row.nextSequence &- UInt64(row.firstSequence) &- 65536 &+ UInt64(random.below(3))
                &- 1
        }
        row.endpointScale = UInt8(random.below(15))
        row.timesToldLimit = UInt8(random.below(4))
        if random.oneIn(4) {
            row.sizeLimit = random.pick([0, 80, 575, 576, 600, 1279, 1280, 1500])
        }
    }

    /// A way out that is still believed, one that is not any more, or none.
    private mutating func route(_ row: inout TrialRow) {
        switch random.below(16) {
        case 0...5: row.seen = .ago(0)
        case 6...7: row.seen = .epoch
        case 8: row.seen = .epochBefore
        case 9: row.seen = .noted
        case 10:
            row.seen = .ago(0)
            return
        default: return
        }
        row.row.nextHop = hop(of: row.row)
    }

    /// Some with a small MTU.
    private mutating func hop(of row: Row) -> NextHop {
        var hop = NextHop()
        hop.interface = 1
        hop.family = family.isIPv6 ? 10 : 2
        hop.mtu = random.oneIn(4) ? random.pick([52, 68, 576, 1280, 1500]) : 0xffff
        switch random.below(3) {
        case 0: hop.address = row.rewrite.destination
        case 1: hop.address = family.router
        default: break
        }
        return hop
    }

    private mutating func delta() -> UInt32 {
        random.oneIn(6) ? random.pick([0, 1, 0xffff_ffff, 0x8000_0000]) : random.word()
    }

    mutating func number() -> UInt32 {
        random.oneIn(3) ? 0 &- UInt32(random.below(2000)) : random.word()
    }

    /// What the SYN-ACK needs.
    private mutating func handOver(_ row: inout TrialRow) {
        row.template = random.below(Template.all.count)
        let template = Template.all[row.template]
        row.row.handover.segments = template.segments
        row.row.handover.segmentCount = template.named
        row.row.handover.clientScale = UInt8(random.below(15))
        row.row.handover.ourScale = UInt8(random.below(15))
        row.row.handover.clientWindow = random.half()
        row.row.handover.helloLength = UInt16(template.length)
        row.row.ownISN = number()
        if random.oneIn(8) { row.row.prefaceLength = random.half() }
    }

    /// A listener, perhaps a note of the client, perhaps a socket that owns it.
    mutating func makeClients() {
        var clients = Handshakes()
        clients.listener.id = random.half()
        clients.listener.mss = random.half()
        clients.listener.window = random.half()
        clients.listener.windowScale = UInt8(random.below(15))
        clients.listener.promisesTimestamps = !random.oneIn(4)
        clients.address = (family.client.destination, 443)
        if !random.oneIn(3) { clients.notes[family.client] = note() }
        if random.oneIn(12) {
            clients.adopted[family.client] = random.oneIn(2) ? 0 : 12345
        }
        trial.handshakes = clients
    }

    mutating func note() -> Note {
        var note = Note()
        note.clientISN = number()
        note.cookie = number()
        note.timestamp = random.word()
        note.interface = 1
        note.created = random.oneIn(4) ? Moment.past : Moment.recent
        note.mss = random.half()
        note.listener = random.half()
        note.scale = UInt8(random.below(15))
        note.ourScale = UInt8(random.below(15))
        note.flags = random.half() & 0x3f
        return note
    }
}
