// SPDX-License-Identifier: Apache-2.0

@testable import DatapathModel

/// Makes the trial of a seed and a number, always the same.
struct TrialMaker {
    var random: SplitMix
    let family: Family
    var trial = Trial()
    /// The direction of the packet, and its tuple as it arrives.
    let isUpstream: Bool

    static func trial(_ seed: UInt64, _ index: Int) -> Trial {
        var maker = TrialMaker(SplitMix(seed &+ UInt64(index) &* 0x2545_f491_4f6c_dd1d))
        maker.make()
        return maker.trial
    }

    private init(_ random: SplitMix) {
        self.random = random
        family = Family.all[self.random.below(2)]
        isUpstream = self.random.below(2) == 0
    }

    private mutating func make() {
        switch random.below(16) {
        case 0...2: trial.hook = .handshake
        case 3: trial.hook = .egress
        default: trial.hook = .flows
        }
        trial.link = random.oneIn(4) ? .raw : .ethernet
        if trial.hook != .handshake || random.oneIn(16) { makeRows() }
        if trial.hook == .handshake { makeClients() }
        if trial.hook != .egress, random.oneIn(12) { makePlain() }
        if trial.hook == .handshake, !trial.isPlain, random.oneIn(2) {
            makeNames()
        } else if trial.hook == .flows, random.oneIn(10) {
            trial.packet = icmpError()
        } else {
            trial.packet = draft().bytes
        }
        if random.oneIn(3) { tellLies() }
        makeContext()
        // Less than an Ethernet header is no packet for the test run.
        while trial.packet.count < 15 { trial.packet.append(0) }
    }

    private mutating func makeContext() {
        trial.isFromHost = trial.hook == .egress && !random.oneIn(8)
        if random.oneIn(16) { trial.priority = random.oneIn(2) ? 0x51 : 0x50 }
        if random.oneIn(12) {
            trial.segments = UInt32(random.below(45))
            trial.segmentSize = UInt32(random.below(3000))
        }
    }

    // MARK: - Packets

    private mutating func draft() -> Draft {
        var draft = Draft(tuple())
        draft.link = trial.link
        draft.timeToLive = random.oneIn(24) ? UInt8(random.below(3)) : random.byte()
        if random.oneIn(6) { addFront(&draft) }
        draft.flags = flags()
        draft.window = random.oneIn(4) ? random.pick([0, 1, 0xffff, 0x8000]) : random.half()
        if random.oneIn(16) { draft.urgent = random.half() }
        draft.options = options()
        draft.payload = payload()
        number(&draft)
        return draft
    }

    private mutating func tuple() -> Tuple {
        var tuple = isUpstream ? family.client : (trial.rows.last?.key ?? family.upstream.reversed)
        if trial.hook == .egress { tuple = (isUpstream ? family.upstream : family.client.reversed) }
        if random.oneIn(24) { tuple.sourcePort = random.half() }
        if random.oneIn(48) { tuple.destination.low ^= UInt64(random.below(4)) }
        return tuple
    }

    mutating func addFront(_ draft: inout Draft) {
        guard draft.isIPv6 else {
            draft.front = bytes(4 * random.below(11))
            return
        }
        let kinds: [UInt8] = (0..<random.below(6)).map { _ in
            random.oneIn(20) ? random.pick([43, 44, 50, 17, 59]) : random.pick([0, 60])
        }
        for (index, kind) in kinds.enumerated() {
            if index == 0 { draft.firstHeader = kind }
            let units = random.oneIn(8) ? random.below(20) : random.below(2)
            let next = index + 1 < kinds.count ? kinds[index + 1] : 6
            draft.front += [next, UInt8(units)] + bytes(6 + 8 * units)
        }
    }

    private mutating func flags() -> UInt8 {
        if trial.hook == .handshake, random.oneIn(2) { return 2 }
        if trial.isPlain, trial.openings.isEmpty, random.oneIn(2) { return 2 }
        if !trial.openings.isEmpty, !random.oneIn(8) {
            return isUpstream
                ? random.pick([2, 2, 16, 16, 24, 17, 4, 20]) : random.pick([0x12, 0x12, 16, 4, 20])
        }
        if random.oneIn(4) { return random.byte() }
        if trial.rows.last?.row.state == .connecting, random.oneIn(2) {
            return isUpstream
                ? random.pick([2, 4, 16, 20, 24]) : random.pick([0x12, 0x12, 0x12, 16, 20])
        }
        return random.pick([16, 16, 16, 24, 17, 25, 20, 4, 2, 0x12])
    }

    private mutating func payload() -> [UInt8] {
        if trial.hook == .handshake, random.oneIn(2) { return [] }
        switch random.below(64) {
        case 0: return bytes(random.below(3000))
        case 1...3: return bytes(random.below(600))
        case 4...30: return bytes(random.below(40))
        default: return []
        }
    }

    /// Numbers about those that the rows know: where rules change.
    private mutating func number(_ draft: inout Draft) {
        draft.sequence = random.word()
        draft.acknowledgement = random.word()
        if let note = trial.handshakes.notes[family.client], !random.oneIn(4) {
            draft.sequence =
                draft.flags & 18 == 2 ? note.clientISN : random.near(note.clientISN &+ 1)
            draft.acknowledgement = note.cookie &+ 1
            if random.oneIn(3) { draft.sequence = note.clientISN &+ 1 }
        }
        if trial.isPlain, !random.oneIn(6) { numberOpening(&draft) }
        guard let row = trial.rows.first(where: { $0.key == draft.tuple })?.row,
            !random.oneIn(6)
        else { return }
        if row.state == .connecting { return numberConnecting(&draft, row) }
        if row.flags.contains(.plain), random.oneIn(3) { return }
        let peer = trial.rows.first { $0.key == row.rewrite.reversed }?.row ?? row
        let acknowledged = peer.lastAcknowledgement &+ peer.acknowledgementDelta
        let next = UInt32(truncatingIfNeeded: row.nextSequence)
        draft.sequence = random.near(random.oneIn(2) ? next : acknowledged)
        let sent = UInt32(truncatingIfNeeded: peer.nextSequence) &+ peer.sequenceDelta
        let known = random.oneIn(3) ? row.lastAcknowledgement : sent
        draft.acknowledgement = random.near(random.oneIn(5) ? row.isn &+ 1 : known)
    }

    /// The same before the endpoint has answered: SYNs as before, what continues the client's
    /// handshake, SYN-ACKs.
    private mutating func numberConnecting(_ draft: inout Draft, _ row: Row) {
        draft.sequence = number()
        let isUpstream = row.flags.contains(.upstream)
        draft.acknowledgement = isUpstream ? row.cookie &+ 1 : row.isn &+ 1
        if random.oneIn(6) { draft.acknowledgement = random.word() }
        guard isUpstream else { return }
        if draft.flags & 2 == 0 {
            draft.sequence = random.near(row.firstSequence)
        } else if random.oneIn(3) {
            draft.sequence = row.clientISN
        }
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        let word = random.next()
        // Cheap, and different in every byte of a word.
        return (0..<count).map {
            UInt8(truncatingIfNeeded: word >> (UInt64($0 & 7) * 8)) &+ UInt8($0 & 63)
        }
    }
}
