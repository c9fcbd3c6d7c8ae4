// SPDX-License-Identifier: Apache-2.0

extension FlowCheck {
    /// A packet that the balancer sent.
    mutating func leave(_ packet: TCPPacket, _ direction: Direction, _ other: Direction) {
        let at = direction.leaving.offset(packet.sequence)
        let departure = Departure(
            packet: packet, range: at..<at + packet.length,
            acknowledged: other.arriving.offset(packet.acknowledgement),
            sacks: packet.options.sacks.map { other.arriving.range($0) })
        if packet.isCorrupt {
            // As it came, so it goes: the receiver must be able to tell.
            if takeCorrupt(departure, direction) { return }
            report.add(
                packet.isHeaderRight
                    ? Mismatch(
                        .tcpChecksum, expected: "a right or partial sum", found: "a wrong one")
                    : Mismatch(.headerChecksum, expected: "a right sum", found: "a wrong one"),
                packet)
        }
        expectAcknowledged(departure, direction)
        expectSACKs(departure.sacks, of: other.carried, packet)
        expectEcho(packet, of: other.arrivedTimestamps)
        let isOwn = explain(departure, direction, other)
        note(departure, direction, isOwn: isOwn)
    }

    private func takeCorrupt(_ departure: Departure, _ direction: Direction) -> Bool {
        let found = direction.pending.firstIndex {
            $0.packet.isCorrupt && $0.holds(departure.range)
        }
        guard let found else { return false }
        if direction.pending[found].leave(departure.range) { direction.pending.remove(at: found) }
        return true
    }

    /// The rule that makes a splice safe: what is acknowledged to one end, the other end has.
    private func expectAcknowledged(_ departure: Departure, _ direction: Direction) {
        guard departure.packet.flags.contains(.ack),
            departure.acknowledged > direction.acknowledged
        else { return }
        report.add(
            Mismatch(
                .acknowledgedEarly, expected: "≤ \(direction.acknowledged)",
                found: departure.acknowledged), departure.packet)
    }

    private func note(_ departure: Departure, _ direction: Direction, isOwn: Bool) {
        let packet = departure.packet
        if let timestamps = packet.options.timestamps {
            direction.leftTimestamps.insert(timestamps.value)
            if !isOwn, !packet.flags.contains(.rst) { direction.leftInOrder.append(packet) }
        }
        if packet.flags.contains(.rst) { return }
        direction.sent.insert(departure.range)
        direction.leaving.sent(upTo: departure.range.upperBound)
    }

    /// Finds the packet that this one was, or why the balancer may have sent it; true: its own.
    private mutating func explain(
        _ departure: Departure, _ direction: Direction, _ other: Direction
    ) -> Bool {
        let packet = departure.packet
        let (best, mismatches) = closest(departure, direction, other)
        if let best, mismatches.isEmpty {
            // The client's hello, which the balancer sent in its place.
            let time = direction.pending[best].packet.time
            if time < established ?? 0 { _ = isOwnHello(departure, direction) }
            departed(best, departure, direction)
            return false
        }
        if isOwnSyn(departure, direction) || isOwnHello(departure, direction) { return true }
        if let best {
            for mismatch in mismatches { report.add(mismatch, packet) }
            departed(best, departure, direction)
            return false
        }
        if isOwnKeepalive(departure, other) {
            report.figures.ownKeepalives += 1
            return true
        }
        if packet.flags.contains(.rst) {
            report.figures.ownResets += 1
            return true
        }
        explainBytes(departure, direction)
        return false
    }

    /// The packet that arrived and differs least, the oldest of several.
    private func closest(
        _ departure: Departure, _ direction: Direction, _ other: Direction
    ) -> (Int?, [Mismatch]) {
        var best: (Int, [Mismatch])?
        for (index, arrival) in direction.pending.enumerated()
        where arrival.holds(departure.range) {
            let mismatches = departure.mismatches(arrival, direction, other)
            if mismatches.isEmpty { return (index, []) }
            if mismatches.count < best?.1.count ?? .max { best = (index, mismatches) }
        }
        return (best?.0, best?.1 ?? [])
    }

    private func departed(_ index: Int, _ departure: Departure, _ direction: Direction) {
        let arrived = direction.pending[index].packet
        if let left = departure.packet.options.timestamps, let came = arrived.options.timestamps,
            direction.timestampOffset == nil
        {
            direction.timestampOffset = left.value &- came.value
        }
        if arrived.window != departure.packet.window { report.figures.rescaledWindows += 1 }
        if direction.pending[index].leave(departure.range) { direction.pending.remove(at: index) }
    }

    /// No single packet that arrived holds it: put together from several, sent twice, or made up.
    private func explainBytes(_ departure: Departure, _ direction: Direction) {
        let packet = departure.packet
        guard direction.carried.contains(departure.range) else {
            let mismatch = Mismatch(
                .unseenBytes, expected: "inside \(direction.carried)", found: departure.range)
            return report.add(mismatch, packet)
        }
        if let at = direction.bytes.difference(packet, at: departure.dataStart) {
            let index = packet.payload.lowerBound + at - departure.dataStart
            report.add(
                Mismatch(
                    .alteredBytes,
                    expected: "byte \(direction.bytes.byte(at) ?? 0) at offset \(at)",
                    found: packet.bytes[index]), packet)
        }
        var left = Ranges(departure.range)
        for index in direction.pending.indices.reversed() where !departure.range.isEmpty {
            for part in direction.pending[index].remaining.intersection(departure.range) {
                left.remove(part)
                if direction.pending[index].leave(part) { direction.pending.remove(at: index) }
            }
        }
        if left.isEmpty, !departure.range.isEmpty { return }
        report.add(
            Mismatch(
                .unsolicited, expected: "a packet that arrived for each that leaves",
                found: "\(packet.flags) of \(departure.range), of which \(left) came no more often"),
            packet)
    }
}
