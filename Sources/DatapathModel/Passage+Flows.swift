// SPDX-License-Identifier: Apache-2.0

/// How often a sender is told of its receiver's MSS before it is let through.
private let mostTellings: UInt8 = 3

extension Passage {
    /// The program for packets of spliced connections.
    mutating func flows() -> Verdict {
        switch find() {
        case .none(let verdict, let counter): return end(verdict, counter)
        case .icmp(let isIPv6): return isIPv6 ? translateICMPv6() : translateICMP()
        case .segment(let segment): return flow(of: segment)
        }
    }

    private mutating func flow(of segment: Segment) -> Verdict {
        let index = world.index(of: segment.tuple)
        if segment.isFragment { return fragment(hasFlow: index != nil) }
        guard let index else { return packetOfOpening(segment) }
        let row = world.rows[index].row
        if row.state == .connecting {
            return row.flags.contains(.upstream)
                ? clientWhileConnecting(segment, index) : endpointWhileConnecting(segment, index)
        }
        if segment.has(Flag.syn) {
            let isUpstream = row.flags.contains(.upstream)
            if !isUpstream, segment.has(Flag.ack), !row.flags.contains(.plain) {
                return repeatedSynAck(segment, index)
            }
            if isUpstream, row.state == .closed || row.state == .reset {
                _ = beginAnew(segment.tuple, row)
                return packetOfOpening(segment)
            }
        }
        if row.flags.contains(.owned), mustBeRepeated(segment, index) {
            return recordHello(segment, created: row.created)
        }
        return translate(segment, index)
    }

    /// Whether the daemon has to send the client's data behind our own bytes: as long as the endpoint
    /// has not acknowledged those. The first packet after that finds it out.
    private mutating func mustBeRepeated(_ segment: Segment, _ index: Int) -> Bool {
        let row = world.rows[index].row
        // Where, for the endpoint, the first of the client's bytes stands that it gets.
        let end = row.firstSequence &+ row.sequenceDelta &+ UInt32(row.prefaceLength)
        if let peer = peer(of: row), !isBefore(world.rows[peer].row.lastAcknowledgement, end) {
            world.rows[index].row.flags.remove(.owned)
            return false
        }
        return segment.payload > 0 && !segment.has(Flag.syn) && !segment.has(Flag.rst)
            && (row.state == .established || row.state == .closing)
    }

    /// The first fragment of a flow's packet is dropped: the stack, where the others go because
    /// they name no ports, must not put the packet together and answer it.
    private mutating func fragment(hasFlow: Bool) -> Verdict {
        hasFlow ? end(.drop, .dropFragment) : end(.pass, .passFragment)
    }

    /// A SYN of the client on a flow that is over is a new connection at once (RFC 9293 §3.6.1): both
    /// rows go, and the handshake program gets the packet.
    mutating func beginAnew(_ tuple: Tuple, _ row: Row) -> Verdict {
        world.remove(row.rewrite.reversed)
        world.remove(tuple)
        return .pass
    }

    /// An established packet: where it goes, whether it fits, what it says of the flow, and out.
    mutating func translate(_ segment: Segment, _ index: Int) -> Verdict {
        guard refreshNextHop(segment, index) else { return end(.drop, .dropNoRoute) }
        if let mtu = exceededSize(segment, index) {
            counters.append(.dropTooBig)
            return answerICMP(segment, .tooBig(mtu))
        }
        account(segment, index)
        let hopLimit = ip + (segment.isIPv6 ? 7 : 8)
        guard bytes[hopLimit] > 1 else {
            counters.append(.dropTTL)
            return answerICMP(segment, .outOfHops)
        }
        let row = world.rows[index].row
        changing(segment) { $0.rewrite(segment, by: row, hopLimit) }
        counters.append(.translated)
        return redirect()
    }

    /// In each epoch the FIB is asked, until a packet goes on by what it said. It is also when a
    /// flow that lost a direction is noticed: the daemon can make it whole again.
    private mutating func refreshNextHop(_ segment: Segment, _ index: Int) -> Bool {
        let row = world.rows[index].row
        if row.knowsWay(at: world.tick) { return true }
        if peer(of: row) == nil, row.state == .established || row.state == .closing {
            tell(.orphaned, segment, row)
        }
        guard let hop = world.route(row.rewrite.destination) else { return false }
        world.rows[index].row.nextHop = hop
        return true
    }

    /// The MTU to tell the sender, if the packet exceeds it: the way's (a fact), or what the
    /// receiver's MSS allows (its word: below the least MTU of the family, or told three times, it
    /// does not count). Padding behind the IP length does not count, but is what makes us look.
    private mutating func exceededSize(_ segment: Segment, _ index: Int) -> UInt16? {
        let row = world.rows[index].row
        let mtu = row.nextHop.mtu
        let whole = bytes.count - ip
        guard whole > Int(mtu) || whole > Int(row.sizeLimit) else { return nil }
        let data = world.segmentSize == 0 ? segment.payload : Int(world.segmentSize)
        let length = segment.tcp - ip + segment.header + data
        if length > Int(mtu) { return mtu }
        guard length > Int(row.sizeLimit), row.sizeLimit >= (segment.isIPv6 ? 1280 : 576),
            row.timesToldLimit < mostTellings
        else { return nil }
        world.rows[index].row.timesToldLimit += 1
        return row.sizeLimit
    }

    /// Addresses, ports, numbers, window, options, and a hop less.
    private mutating func rewrite(_ segment: Segment, by row: Row, _ hopLimit: Int) -> (
        tcp: Int, end: Int
    ) {
        let tcp = segment.tcp
        bytes[hopLimit] -= 1
        if segment.isIPv6 {
            bytes.put(row.rewrite.source, at: ip + 8)
            bytes.put(row.rewrite.destination, at: ip + 24)
        } else {
            bytes.put(row.rewrite.source.v4, at: ip + 12)
            bytes.put(row.rewrite.destination.v4, at: ip + 16)
        }
        bytes.put(row.rewrite.sourcePort, at: tcp)
        bytes.put(row.rewrite.destinationPort, at: tcp + 2)
        bytes.put(segment.sequence &+ row.sequenceDelta, at: tcp + 4)
        // Without ACK the field has no meaning (RFC 9293 §3.1), and is let alone.
        if segment.has(Flag.ack) {
            bytes.put(segment.acknowledgement &+ row.acknowledgementDelta, at: tcp + 8)
        }
        // A SYN's window is never scaled (RFC 7323 §2.2).
        if !segment.has(Flag.syn) {
            bytes.put(rescaled(segment.window, by: row.windowShift), at: tcp + 14)
        }
        translateOptions(of: segment, by: row)
        return (tcp, segment.end)
    }

    /// A window in the other scale: never more than was granted, and at most what the field holds.
    func rescaled(_ window: UInt16, by shift: Int8) -> UInt16 {
        shift < 0 ? window >> UInt16(-shift) : UInt16(min(65535, UInt32(window) << UInt32(shift)))
    }

    /// Tells the daemon of a flow, from whichever side the packet is.
    mutating func tell(_ event: Record.Event, _ segment: Segment, _ row: Row) {
        let client = row.flags.contains(.upstream) ? segment.tuple : row.rewrite.reversed
        records.append(
            .event(
                event, client: client, created: row.created, sequence: segment.sequence,
                acknowledgement: segment.acknowledgement))
    }
}
