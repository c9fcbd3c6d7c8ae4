// SPDX-License-Identifier: Apache-2.0

import DatapathModel
import DatapathTesting

extension TrialMaker {
    /// A plain listener, who might get its clients, and perhaps a flow that is about to stand, or what
    /// is left of it, or one that is over.
    mutating func makePlain() {
        switch random.below(4) {
        case 0:
            let isOver = trial.rows.contains { [.closed, .reset].contains($0.row.state) }
            if !isOver { trial.rows = [] }
        case 1: trial.rows = []
        default:
            trial.rows = []
            makeOpenings()
        }
        trial.handshakes.address = (family.client.destination, 443)
        trial.handshakes.listener.isPlain = true
        let place = random.below(PlainChoice.all(family).count)
        trial.plain = PlainChoice.all(family)[place]
        trial.handshakes.listener.id = UInt16(place)
        for index in trial.openings.indices {
            trial.openings[index].row.origin?.listener = UInt16(place)
        }
        if trial.rows.isEmpty, random.oneIn(4) { takePorts() }
    }

    /// Flows that have ports already, some or all of them.
    private mutating func takePorts() {
        guard let endpoint = trial.plain.endpoints.first else { return }
        let all = random.oneIn(2)
        let areOver = random.oneIn(4)
        for port in TestBench.plainPorts where all || random.oneIn(2) {
            let way = Tuple(
                source: family.upstream.source, destination: endpoint.address, sourcePort: port,
                destinationPort: endpoint.port)
            let state: State = areOver ? random.pick([.closed, .reset]) : .established
            var row = TrialRow(key: way.reversed, row: Row(rewrite: family.client, state: state))
            // About half a minute, after which another flow may have the port.
            if random.oneIn(2) { row.seen = .ago(random.pick([0, 1787, 1788])) }
            trial.rows.append(row)
        }
    }

    private mutating func makeOpenings() {
        var up = Row(rewrite: family.upstream, state: .connecting)
        var down = Row(rewrite: family.client.reversed, state: .connecting)
        up.flags = [.plain, .upstream]
        down.flags = random.oneIn(3) ? [.plain] : [.plain, .answered]
        up.created = 4711
        down.created = random.oneIn(20) ? 4712 : 4711
        up.firstSequence = random.word()
        up.nextSequence = UInt64(up.firstSequence)
        down.firstSequence = random.word()
        down.nextSequence = UInt64(down.firstSequence)
        down.lastAcknowledgement = up.firstSequence
        up.lastAcknowledgement = down.firstSequence
        up.sequenceDelta = random.word()
        down.acknowledgementDelta = 0 &- up.sequenceDelta
        up.timestampDelta = random.word()
        down.echoDelta = 0 &- up.timestampDelta
        up.origin = Row.Origin(listener: 1, cluster: 2, endpoint: 3)
        down.origin = up.origin
        var rows = [
            TrialRow(key: family.client, row: up),
            TrialRow(key: family.upstream.reversed, row: down),
        ]
        if random.oneIn(20) { rows.remove(at: random.below(2)) }
        trial.openings = rows
    }

    /// Numbers about those that the openings know.
    mutating func numberOpening(_ draft: inout Draft) {
        guard let row = trial.openings.first(where: { $0.key == draft.tuple })?.row,
            let peer = trial.openings.first(where: { $0.key == row.rewrite.reversed })?.row
        else { return }
        if row.flags.contains(.upstream) {
            draft.sequence = draft.flags & 2 != 0 ? row.clientISN : row.firstSequence
            draft.acknowledgement = peer.firstSequence
        } else {
            draft.acknowledgement = peer.firstSequence &- row.acknowledgementDelta
        }
        if random.oneIn(6) { draft.sequence = random.near(draft.sequence) }
        if random.oneIn(6) { draft.acknowledgement = random.near(draft.acknowledgement) }
    }
}

extension PlainChoice {
    /// Some for every listener id; the kernel takes its time to write one.
    static func all(_ family: Family) -> [PlainChoice] { family.isIPv6 ? v6 : v4 }

    private static let v4 = (0..<8).map { PlainChoice($0, .v4) }
    private static let v6 = (0..<8).map { PlainChoice($0, .v6) }

    private init(_ number: Int, _ family: Family) {
        var random = SplitMix(UInt64(number) &* 77)
        self.init()
        cluster = random.half()
        hashesPort = number.isMultiple(of: 2)
        ports = TestBench.plainPorts
        let count = [1, 2, 3, 3, 1, 2, 1, 0][number]
        for index in 0..<count {
            let sources = (0...random.below(4) % (index + 1) + index).prefix(4).map { step in
                Address(
                    high: family.upstream.source.high,
                    low: family.upstream.source.low &+ UInt64(step))
            }
            let way = number == 3 && index == 1 ? family.unreachable : family.upstream
            endpoints.append(
                PlainEndpoint(
                    address: way.destination, port: random.half(), sources: sources,
                    index: UInt16(index)))
        }
        // The place behind the last is nobody's.
        for _ in 0..<[1, 7, 251, 1021, 65537, 3, 5, 1][number] {
            slots.append(UInt16(random.below(count + 1)))
        }
    }
}
