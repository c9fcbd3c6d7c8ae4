// SPDX-License-Identifier: Apache-2.0

/// What the balancer sends of itself.
extension FlowCheck {
    /// The SYN to the endpoint and the SYN-ACK to the client, however often.
    func isOwnSyn(_ departure: Departure, _ direction: Direction) -> Bool {
        let flags = departure.packet.flags
        let isPlain = !flags.contains(.fin) && !flags.contains(.rst)
        guard flags.contains(.syn), isPlain, departure.packet.payload.isEmpty,
            departure.range.lowerBound == -1
        else { return false }
        return direction === up ? !flags.contains(.ack) : flags.contains(.ack)
    }

    /// ACK and ClientHello, or the ACK alone, once for each SYN-ACK of the endpoint: the client's
    /// bytes, with a window and a time that the client announced.
    mutating func isOwnHello(_ departure: Departure, _ direction: Direction) -> Bool {
        let packet = departure.packet
        guard direction === up, packet.flags.subtracting(.psh) == .ack, departure.acknowledged == 0,
            direction.bytes.difference(packet, at: departure.dataStart) == nil,
            saysWhatTheClientSaid(packet)
        else { return false }
        let found = owed.firstIndex {
            departure.range.isEmpty
                ? $0.mayBeEmpty && departure.range.lowerBound == 0
                : $0.remaining.contains(departure.range)
        }
        guard let found else { return false }
        owed[found].remaining.remove(departure.range)
        owed[found].mayBeEmpty = false
        return true
    }

    private func saysWhatTheClientSaid(_ packet: TCPPacket) -> Bool {
        let isWindow = up.arrivedWindows.contains {
            min(($0 << up.arrivingScale) >> up.leavingScale, 0xffff) == packet.window
        }
        guard let timestamps = packet.options.timestamps, let offset = up.timestampOffset else {
            return isWindow
        }
        return isWindow && up.arrivedTimestamps.contains(timestamps.value &- offset)
    }

    /// A question to an end that was silent (RFC 9293 §3.8.4): right below what it expects.
    func isOwnKeepalive(_ departure: Departure, _ other: Direction) -> Bool {
        departure.packet.flags == .ack && departure.range.isEmpty
            && departure.range.lowerBound == other.acknowledged - 1
    }
}
