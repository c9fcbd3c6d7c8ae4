// SPDX-License-Identifier: Apache-2.0

/// Whether `one` comes before `other` on the circle of sequence numbers (RFC 9293 §3.4).
func isBefore(_ one: UInt32, _ other: UInt32) -> Bool { one &- other >= 0x8000_0000 }

extension Passage {
    /// Counts a packet that will be translated, and moves the flow's state.
    mutating func account(_ segment: Segment, _ index: Int) {
        let isBehindFIN = progress(segment, &world.rows[index].row)
        world.rows[index].row.lastSeen = world.tick
        world.rows[index].row.ingressInterface = world.interface
        world.rows[index].row.packets += packets(in: segment)
        world.rows[index].row.bytes += UInt64(segment.payload)
        transition(segment, index, isBehindFIN)
    }

    /// A super-packet counts as what it was made of, or will be cut into. That number may lack.
    private func packets(in segment: Segment) -> UInt64 {
        let size = UInt64(world.segmentSize)
        if world.segments > 0 || size == 0 { return UInt64(max(1, world.segments)) }
        return max(1, (UInt64(segment.payload) + size - 1) / size)
    }

    /// How far the sender is; whether that is behind its FIN. A SYN on a live flow and an RST say nothing of it, nor does a segment
    /// without ACK; numbers only move on, and by no more than a window (RFC 7323 §2.3: 2³⁰).
    private func progress(_ segment: Segment, _ row: inout Row) -> Bool {
        guard segment.flags & (Flag.ack | Flag.syn | Flag.rst) == Flag.ack else { return false }
        if isBefore(row.lastAcknowledgement, segment.acknowledgement) {
            row.lastAcknowledgement = segment.acknowledgement
        }
        let occupied = UInt32(segment.payload) + (segment.has(Flag.fin) ? 1 : 0)
        guard row.flags.contains(.fin), !segment.has(Flag.fin) else {
            advance(to: segment.sequence &+ occupied, &row)
            return false
        }
        // Data where the FIN was tell that it was forged; others may be so themselves.
        let offset = UInt32(truncatingIfNeeded: row.nextSequence) &- 1 &- segment.sequence
        return offset < occupied && advance(to: segment.sequence &+ occupied, &row)
    }

    /// The sender has sent everything before `end`. Whether that is new.
    @discardableResult
    func advance(to end: UInt32, _ row: inout Row) -> Bool {
        let ahead = end &- UInt32(truncatingIfNeeded: row.nextSequence)
        guard ahead >= 1, ahead <= 1 << 30 else { return false }
        row.nextSequence += UInt64(ahead)
        row.lastData = world.tick
        return true
    }

    /// FIN, RST, and the acknowledgements that matter. Without the other direction's row nothing
    /// can be said of the connection.
    private mutating func transition(_ segment: Segment, _ index: Int, _ isBehindFIN: Bool) {
        let row = world.rows[index].row
        let isMover =
            isBehindFIN || segment.has(Flag.fin) || segment.has(Flag.rst) || row.state == .reset
        let mayAcknowledge = row.flags.contains(.peerFIN) && !row.flags.contains(.finAcknowledged)
        guard isMover || mayAcknowledge, let peer = peer(of: row) else { return }
        if segment.has(Flag.rst) { return reset(segment, index, peer) }
        revive(index, peer)
        if isBehindFIN { forgetFIN(index, peer) }
        let isFIN = segment.flags & (Flag.fin | Flag.ack | Flag.syn) == Flag.fin | Flag.ack
        if isFIN, isEnd(segment, index, peer) {
            finish(index, peer)
        }
        acknowledgeFIN(segment, index, peer)
    }

    /// An RST marks both directions, if its receiver may believe it (RFC 5961 §3.2): its number lies
    /// between what the receiver acknowledged and the end of what was sent. A closed flow stays so.
    private mutating func reset(_ segment: Segment, _ index: Int, _ peer: Int) {
        let row = world.rows[index].row
        let other = world.rows[peer].row
        let acknowledged = other.lastAcknowledgement &+ other.acknowledgementDelta
        // How far the sender is can be forged, but not the bytes in front, of which we saw nearly all.
        let isTrue = row.nextSequence &- UInt64(row.firstSequence) <= row.bytes &+ 1 << 16
        var sent = UInt32(truncatingIfNeeded: row.nextSequence) &- acknowledged
        if !hasSeen(acknowledged, of: row) { return }
        if isTrue, sent >= 1 << 31 {
            if 0 &- sent > 1 << 16 { return }
            sent = 0
        } else if !isTrue {
            sent = 0
        }
        guard row.state != .closed, segment.sequence &- acknowledged <= sent else { return }
        if row.state != .reset { tell(.reset, segment, row) }
        setState(.reset, index, peer)
    }

    /// Of both directions; at an upgrade the other one may be connecting still, until all of its row
    /// comes from the other version.
    mutating func setState(_ state: State, _ index: Int, _ peer: Int) {
        world.rows[index].row.state = state
        if world.rows[peer].row.state != .connecting { world.rows[peer].row.state = state }
    }

    /// ACKs can be forged: true ones are of bytes that we saw, or nearly.
    private func hasSeen(_ acknowledged: UInt32, of row: Row) -> Bool {
        UInt64(acknowledged &- row.firstSequence &+ 1 << 16) <= row.bytes &+ 2 << 16
    }

    /// Traffic after an RST: nobody took it. The other direction follows with its own traffic.
    private mutating func revive(_ index: Int, _ peer: Int) {
        let row = world.rows[index].row
        guard row.state == .reset else { return }
        let hasFIN = row.flags.contains(.fin) || world.rows[peer].row.flags.contains(.fin)
        world.rows[index].row.state = hasFIN ? .closing : .established
    }

    /// Data behind a FIN tells that it was forged.
    private mutating func forgetFIN(_ index: Int, _ peer: Int) {
        let state = world.rows[index].row.state
        if state == .closed { return }
        world.rows[index].row.flags.subtract([.fin, .finFirst])
        world.rows[peer].row.flags.subtract([.peerFIN, .finAcknowledged])
        if state == .closing, !world.rows[peer].row.flags.contains(.fin) {
            setState(.established, index, peer)
        }
    }

    /// Whether a FIN is the end of what was sent. It may lie before what was taken for that, which
    /// was forged then, but not before what its receiver has.
    private mutating func isEnd(_ segment: Segment, _ index: Int, _ peer: Int) -> Bool {
        let (row, other) = (world.rows[index].row, world.rows[peer].row)
        let end = segment.sequence &+ UInt32(segment.payload) &+ 1
        let next = UInt32(truncatingIfNeeded: row.nextSequence)
        let beyond = UInt64(next &- end)
        if beyond == 0 { return true }
        let acknowledged = other.lastAcknowledgement &+ other.acknowledgementDelta
        let isStale =
            !isBefore(next, acknowledged) && beyond >= UInt64(next &- acknowledged)
            && hasSeen(acknowledged, of: row)
        guard !isStale, row.nextSequence >= UInt64(row.firstSequence) + beyond else {
            return false
        }
        world.rows[index].row.nextSequence -= beyond
        return true
    }

    /// The sender has no more to say.
    private mutating func finish(_ index: Int, _ peer: Int) {
        let hadFIN = [index, peer].contains { world.rows[$0].row.flags.contains(.fin) }
        if !hadFIN { world.rows[index].row.flags.insert(.finFirst) }
        world.rows[peer].row.flags.insert(.peerFIN)
        world.rows[index].row.flags.insert(.fin)
        if world.rows[index].row.state == .established {
            setState(.closing, index, peer)
        }
    }

    /// What acknowledges all that was sent, as it arrives.
    private func sentEnd(_ row: Row) -> UInt32 {
        UInt32(truncatingIfNeeded: row.nextSequence) &+ row.sequenceDelta
    }

    /// Both FINs acknowledged: the connection is over, and lingers for repetitions.
    private mutating func acknowledgeFIN(_ segment: Segment, _ index: Int, _ peer: Int) {
        let row = world.rows[index].row
        let sender = world.rows[peer].row
        guard row.flags.contains(.peerFIN), sender.flags.contains(.fin), segment.has(Flag.ack),
            segment.acknowledgement == sentEnd(sender)
        else { return }
        world.rows[index].row.flags.insert(.finAcknowledged)
        guard world.rows[peer].row.flags.contains(.finAcknowledged), row.state != .closed else {
            return
        }
        setState(.closed, index, peer)
        tell(.closed, segment, world.rows[index].row)
    }
}
