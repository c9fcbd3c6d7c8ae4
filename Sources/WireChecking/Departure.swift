// SPDX-License-Identifier: Apache-2.0

/// A packet that leaves.
struct Departure {
    let packet: TCPPacket
    /// Of its first byte, and the SYN and FIN counted.
    let range: Range<Int>
    let acknowledged: Int
    let sacks: [Range<Int>]

    /// Where its data begins: a SYN stands in front of it.
    var dataStart: Int { range.lowerBound + (packet.flags.contains(.syn) ? 1 : 0) }

    /// In what it differs from `arrival`, translated.
    func mismatches(_ arrival: Arrival, _ direction: Direction, _ other: Direction) -> [Mismatch] {
        var found: [Mismatch] = []
        if arrival.packet.isCorrupt {
            found.append(
                Mismatch(.corruptionHidden, expected: "a wrong checksum", found: "a right one"))
        }
        compareFlags(arrival, &found)
        compareBytes(arrival, &found)
        if packet.flags.contains(.ack), arrival.acknowledged != acknowledged {
            found.append(
                Mismatch(.acknowledgement, expected: arrival.acknowledged, found: acknowledged))
        }
        let sacks = direction.leavesWithSACK ? arrival.sacks : []
        if sacks != self.sacks {
            found.append(Mismatch(.sackEdges, expected: sacks, found: self.sacks))
        }
        let window = direction.window(of: arrival.packet)
        if window != packet.window {
            found.append(Mismatch(.window, expected: window, found: packet.window))
        }
        compareTimestamps(arrival, direction, other, &found)
        return found
    }

    /// The segments of a super-packet share its flags, but for those of the first and the last.
    private func compareFlags(_ arrival: Arrival, _ found: inout [Mismatch]) {
        let came = arrival.packet.flags
        let ends: TCPFlags = [.psh, .fin, .cwr]
        let isSame =
            range == arrival.range
            ? packet.flags == came
            : packet.flags.subtracting(ends) == came.subtracting(ends)
                && came.isSuperset(of: packet.flags)
        if !isSame { found.append(Mismatch(.flags, expected: came, found: packet.flags)) }
    }

    private func compareBytes(_ arrival: Arrival, _ found: inout [Mismatch]) {
        let came = arrival.packet
        let dataStart = arrival.range.lowerBound + (came.flags.contains(.syn) ? 1 : 0)
        let start = came.payload.lowerBound + self.dataStart - dataStart
        let count = min(packet.payload.count, max(0, came.payload.upperBound - start))
        if packet.bytes.matches(packet.payload.lowerBound, came.bytes, start, count: count) {
            return
        }
        let at = (0..<count).first {
            packet.bytes[packet.payload.lowerBound + $0] != came.bytes[start + $0]
        }
        guard let at else { return }
        found.append(
            Mismatch(
                .alteredBytes,
                expected: "byte \(came.bytes[start + at]) at offset \(self.dataStart + at)",
                found: packet.bytes[packet.payload.lowerBound + at]))
    }

    private func compareTimestamps(
        _ arrival: Arrival, _ direction: Direction, _ other: Direction, _ found: inout [Mismatch]
    ) {
        guard let came = arrival.packet.options.timestamps, let left = packet.options.timestamps
        else {
            if (arrival.packet.options.timestamps == nil) != (packet.options.timestamps == nil) {
                found.append(
                    Mismatch(
                        .timestampPresence, expected: arrival.packet.options.timestamps != nil,
                        found: packet.options.timestamps != nil))
            }
            return
        }
        if let offset = direction.timestampOffset, came.value &+ offset != left.value {
            found.append(
                Mismatch(.timestampOffset, expected: came.value &+ offset, found: left.value))
        }
        let meansNothing = came.echo == 0 && !arrival.packet.flags.contains(.ack)
        let offset = meansNothing ? 0 : other.timestampOffset
        if let offset, came.echo &- offset != left.echo {
            found.append(
                Mismatch(.timestampEchoOffset, expected: came.echo &- offset, found: left.echo))
        }
    }
}
