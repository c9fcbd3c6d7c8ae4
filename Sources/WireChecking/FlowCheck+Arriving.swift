// SPDX-License-Identifier: Apache-2.0

extension FlowCheck {
    /// A packet that a client or an endpoint sent.
    mutating func arrive(_ packet: TCPPacket, _ direction: Direction, _ other: Direction) {
        // A hello waits for its endpoint, however often it is repeated meanwhile.
        if established != nil {
            forget(direction, before: packet.time - min(packet.time, Self.stay))
        }
        let at = direction.arriving.offset(packet.sequence)
        let arrival = Arrival(
            packet: packet, range: at..<at + packet.length,
            acknowledged: other.leaving.offset(packet.acknowledgement),
            sacks: packet.options.sacks.map { other.leaving.range($0) },
            remaining: Ranges(at..<at + packet.length))
        guard !packet.isCorrupt else {
            report.figures.corrupted += 1
            direction.pending.append(arrival)
            return
        }
        count(arrival, direction)
        expectSent(arrival, other)
        take(arrival, direction)
        if packet.flags.contains(.syn), direction === down {
            return answerSynAck(packet)
        }
        if packet.flags.contains(.syn), established == nil { return }
        direction.pending.append(arrival)
    }

    private func count(_ arrival: Arrival, _ direction: Direction) {
        let packet = arrival.packet
        if packet.options.timestamps != nil { report.figures.timestamps += 1 }
        if !packet.payload.isEmpty {
            if direction.carried.overlaps(arrival.range) {
                report.figures.retransmissions += 1
            } else if arrival.range.lowerBound > direction.carried.end ?? 0 {
                report.figures.gaps += 1
            }
        }
        guard let first = arrival.sacks.first else { return }
        report.figures.sacks += 1
        // RFC 2883 §4: below the acknowledgement, or inside the second block.
        let isInSecond = arrival.sacks.dropFirst().first.map {
            $0.lowerBound <= first.lowerBound && first.upperBound <= $0.upperBound
        }
        if first.lowerBound < arrival.acknowledged || isInSecond == true {
            report.figures.duplicateSACKs += 1
        }
    }

    /// An end can only speak of what it was sent.
    private func expectSent(_ arrival: Arrival, _ other: Direction) {
        let packet = arrival.packet
        if packet.flags.contains(.rst) { return }
        let end = other.sent.end ?? 0
        if packet.flags.contains(.ack), arrival.acknowledged > end {
            report.add(
                Mismatch(.acknowledgedUnsent, expected: "≤ \(end)", found: arrival.acknowledged),
                packet)
        }
        expectSACKs(arrival.sacks, of: other.sent, packet)
        expectEcho(packet, of: other.leftTimestamps)
    }

    func expectSACKs(_ sacks: [Range<Int>], of sent: Ranges, _ packet: TCPPacket) {
        for block in sacks where block.isEmpty || !sent.contains(block) {
            report.add(
                Mismatch(.sackOfUnsent, expected: "inside \(sent)", found: block), packet)
        }
    }

    func expectEcho(_ packet: TCPPacket, of values: Set<UInt32>) {
        guard let timestamps = packet.options.timestamps, !values.contains(timestamps.echo) else {
            return
        }
        // Without ACK it means nothing and is 0 (RFC 7323 §3.2).
        if timestamps.echo == 0, !packet.flags.contains(.ack) { return }
        report.add(
            Mismatch(
                .timestampEcho, expected: "one of \(values.count) TSvals of the peer",
                found: timestamps.echo), packet)
    }

    private func take(_ arrival: Arrival, _ direction: Direction) {
        let packet = arrival.packet
        if let timestamps = packet.options.timestamps {
            direction.arrivedTimestamps.insert(timestamps.value)
            if !packet.flags.contains(.rst) { direction.arrivedInOrder.append(packet) }
        }
        direction.arrivedWindows.insert(packet.window)
        // An RST acknowledges what its sender had, but is no part of the stream.
        if packet.flags.contains(.ack) {
            direction.acknowledged = max(direction.acknowledged, arrival.acknowledged)
        }
        if packet.flags.contains(.rst) { return }
        direction.carried.insert(arrival.range)
        direction.bytes.insert(
            packet, at: arrival.range.lowerBound + (packet.flags.contains(.syn) ? 1 : 0))
        direction.arriving.sent(upTo: arrival.range.upperBound)
    }

    /// The balancer turns it into ACK + ClientHello, with what the client has sent of it by now.
    private mutating func answerSynAck(_ packet: TCPPacket) {
        if established == nil { established = packet.time }
        let hello = up.carried.all.first { $0.contains(0) }.map { 0..<$0.upperBound } ?? 0..<0
        owed.append(OwedHello(remaining: Ranges(hello)))
        report.figures.hellos += 1
    }
}
