// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// Follows one flow through both captures, packet by packet in the order of their times.
struct FlowCheck {
    /// A ClientHello that the balancer may send because the endpoint sent a SYN-ACK.
    struct OwedHello {
        var remaining: Ranges
        var mayBeEmpty = true
    }

    /// What has not left by then never will: neighbours are resolved, or not, in less.
    static let stay: UInt64 = 2_000_000_000
    /// The longest that one CPU may lag behind another.
    static let hesitation: UInt64 = 20_000_000

    let up: Direction
    let down: Direction
    let report: Report
    var owed: [OwedHello] = []
    /// When the endpoint answered the balancer's SYN; what came before is not translated.
    var established: UInt64?
    private let front: Connection
    private let back: Connection

    init(front: Connection, back: Connection, report: Report) {
        self.front = front
        self.back = back
        self.report = report
        up = Direction(
            arriving: SequenceSpace(isn: front.initiatorISN),
            leaving: SequenceSpace(isn: back.initiatorISN), arrivingScale: front.initiatorScale,
            leavingScale: back.initiatorScale, leavesWithSACK: back.hasSACK)
        down = Direction(
            arriving: SequenceSpace(isn: back.responderISN),
            leaving: SequenceSpace(isn: front.responderISN), arrivingScale: back.responderScale,
            leavingScale: front.responderScale, leavesWithSACK: front.hasSACK)
    }

    mutating func run() {
        report.figures.flows += 1
        var one = front.packets[...]
        var other = back.packets[...]
        while let next = Self.next(&one, &other, isArriving: isArriving) { step(next) }
        for direction in [up, down] {
            expectOrder(direction)
            forget(direction, before: .max)
        }
        report.figures.upstreamBytes += up.byteCount
        report.figures.downstreamBytes += down.byteCount
    }

    private func isArriving(_ packet: TCPPacket) -> Bool {
        packet.wire == .front ? front.isFromInitiator(packet) : !back.isFromInitiator(packet)
    }

    /// The earlier one; at the same nanosecond, what arrives comes before what leaves.
    private static func next(
        _ one: inout ArraySlice<TCPPacket>, _ other: inout ArraySlice<TCPPacket>,
        isArriving: (TCPPacket) -> Bool
    ) -> TCPPacket? {
        guard let left = one.first else { return other.popFirst() }
        guard let right = other.first else { return one.popFirst() }
        let isLeft = left.time == right.time ? isArriving(left) : left.time < right.time
        return isLeft ? one.popFirst() : other.popFirst()
    }

    private mutating func step(_ packet: TCPPacket) {
        if packet.wire == .front {
            report.figures.frontPackets += 1
        } else {
            report.figures.backPackets += 1
        }
        if packet.isPartial { report.figures.partialChecksums += 1 }
        if packet.bytes.count > 1514 { report.figures.superPackets += 1 }
        let connection = packet.wire == .front ? front : back
        let isUpstream = connection.isFromInitiator(packet)
        let (direction, other) = isUpstream ? (up, down) : (down, up)
        if isArriving(packet) {
            arrive(packet, direction, other)
        } else {
            leave(packet, direction, other)
        }
    }

    /// Gives up packets that arrived before `time` and have not left.
    func forget(_ direction: Direction, before time: UInt64) {
        while let first = direction.pending.first, first.packet.time < time {
            direction.pending.removeFirst()
            if let established, first.packet.time > established { report.figures.dropped += 1 }
        }
    }

    /// TSvals in the order in which each wire carried them.
    private func expectOrder(_ direction: Direction) {
        let arrived = Self.backward(direction.arrivedInOrder)
        for (packet, latest) in Self.backward(direction.leftInOrder) {
            guard !arrived.contains(where: { $0.packet.time <= packet.time }),
                !wasOvertaken(packet, by: latest, direction)
            else { continue }
            report.add(
                Mismatch(
                    .timestampBack, expected: "TSval \(latest) or later",
                    found: packet.options.timestamps?.value ?? 0), packet)
        }
    }

    /// Whether it and the one with the TSval before it arrived in their order, and a moment ago: two
    /// CPUs have them in hand at once, and a busy machine lets one of them wait.
    private func wasOvertaken(
        _ packet: TCPPacket, by latest: UInt32, _ direction: Direction
    ) -> Bool {
        guard let offset = direction.timestampOffset, let own = packet.options.timestamps?.value
        else { return false }
        func arrived(_ value: UInt32) -> Bool {
            direction.arrivedInOrder.contains {
                $0.options.timestamps?.value == value &- offset && $0.time <= packet.time
                    && packet.time - $0.time <= Self.hesitation
            }
        }
        return arrived(own) && arrived(latest)
    }

    /// Packets with an earlier TSval than one before them, and that one.
    private static func backward(_ packets: [TCPPacket]) -> [(packet: TCPPacket, latest: UInt32)] {
        var latest: UInt32?
        return packets.sorted { $0.number < $1.number }.compactMap { packet in
            guard let value = packet.options.timestamps?.value else { return nil }
            guard let known = latest, SequenceNumber(value).precedes(SequenceNumber(known)) else {
                latest = value
                return nil
            }
            return (packet, known)
        }
    }
}
