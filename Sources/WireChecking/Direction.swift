// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// A packet that arrived and has not left yet, or not whole.
struct Arrival {
    let packet: TCPPacket
    /// Of its first byte, and the SYN and FIN counted.
    let range: Range<Int>
    let acknowledged: Int
    let sacks: [Range<Int>]
    /// What of it has not left; an empty packet has left when it is gone from the list.
    var remaining: Ranges

    /// Whether a packet of `part` can be it, or a segment of it.
    func holds(_ part: Range<Int>) -> Bool {
        part.isEmpty ? range == part : remaining.contains(part)
    }

    /// Takes out what has left; true: nothing remains.
    mutating func leave(_ part: Range<Int>) -> Bool {
        remaining.remove(part)
        return remaining.isEmpty
    }
}

/// One direction of a flow: what arrives on one wire and leaves on the other.
final class Direction {
    /// Sequence numbers of this direction's bytes, where they arrive and where they leave.
    var arriving: SequenceSpace
    var leaving: SequenceSpace
    /// Of the windows that its packets announce.
    let arrivingScale, leavingScale: Int
    /// Whether SACK was agreed on where its packets leave.
    let leavesWithSACK: Bool

    /// What arrived, and what left: SYN and FIN counted.
    var carried = Ranges()
    var sent = Ranges()
    var bytes = CarriedBytes()
    /// Packets that have yet to leave, oldest first.
    var pending: [Arrival] = []
    /// How far the sender acknowledged the other direction.
    var acknowledged = 0
    /// TSvals as they arrived and as they left.
    var arrivedTimestamps: Set<UInt32> = []
    var leftTimestamps: Set<UInt32> = []
    /// Windows as they arrived.
    var arrivedWindows: Set<Int> = []
    /// TSval out less TSval in; nil until the first packet that left.
    var timestampOffset: UInt32?
    /// For the order of TSvals, to be looked at by the order of each capture.
    var arrivedInOrder: [TCPPacket] = []
    var leftInOrder: [TCPPacket] = []

    init(
        arriving: SequenceSpace, leaving: SequenceSpace, arrivingScale: Int, leavingScale: Int,
        leavesWithSACK: Bool
    ) {
        self.arriving = arriving
        self.leaving = leaving
        self.arrivingScale = arrivingScale
        self.leavingScale = leavingScale
        self.leavesWithSACK = leavesWithSACK
    }

    /// The window that a packet must leave with: the same bytes, rounded down to what the scale can
    /// say, and no more than it can say. That of a SYN is never scaled (RFC 7323 §2.2).
    func window(of packet: TCPPacket) -> Int {
        if packet.flags.contains(.syn) { return packet.window }
        return min((packet.window << arrivingScale) >> leavingScale, 0xffff)
    }

    /// How many bytes arrived, each once: neither SYN nor FIN.
    var byteCount: Int { bytes.count }
}
