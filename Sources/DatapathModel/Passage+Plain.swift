// SPDX-License-Identifier: Apache-2.0

/// How many ports are tried for a flow.
private let portAttempts = 8
/// How long a flow that is over had no packet before another may have its port: half a minute.
private let portRest = Int32(bitPattern: Row.tick(at: 30_000_000_000))
/// Largest step ahead that counts.
private let windowMost: UInt32 = 1 << 30

/// Every bit of the result depends on every bit of `value` (SplitMix64's finaliser).
private func mixed(_ value: UInt64) -> UInt64 {
    var bits = value &+ 0x9e37_79b9_7f4a_7c15
    bits = (bits ^ bits >> 30) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ bits >> 27) &* 0x94d0_49bb_1331_11eb
    return bits ^ bits >> 31
}

private func share(_ hash: UInt64, of count: Int) -> Int {
    Int(hash.multipliedFullWidth(by: UInt64(count)).high)
}

extension Passage {
    /// A SYN to a plain listener goes to an endpoint at once; what else nobody knows is let pass.
    private mutating func openPlain(_ segment: Segment) -> Verdict {
        let kind = segment.flags & (Flag.syn | Flag.ack | Flag.rst | Flag.fin)
        guard kind == Flag.syn, world.handshakes.listener.isPlain,
            let address = world.handshakes.address,
            address == (segment.tuple.destination, segment.tuple.destinationPort)
        else { return .pass }
        guard let endpoint = endpoint(for: segment) else { return refuse(segment) }
        guard let way = freeWay(segment, to: endpoint) else { return end(.drop, .plainFull) }
        var up = Row(rewrite: way, state: .connecting)
        var down = Row(rewrite: segment.tuple.reversed, state: .connecting)
        up.flags = [.plain, .upstream]
        down.flags = [.plain]
        up.firstSequence = segment.sequence &+ 1
        up.nextSequence = UInt64(up.firstSequence) + UInt64(segment.payload)
        let origin = Row.Origin(
            listener: world.handshakes.listener.id, cluster: world.plain.cluster,
            endpoint: endpoint.index)
        up.origin = origin
        down.origin = origin
        up.created = world.earlier == 0 ? world.now : world.earlier
        down.created = up.created
        let isn = way.initialSequence(world.sequenceKey, now: up.created)
        up.sequenceDelta = isn &- segment.sequence
        down.acknowledgementDelta = segment.sequence &- isn
        if let timestamp = offer(of: segment).timestamp {
            let clock = UInt32(truncatingIfNeeded: up.created / 1_000_000)
            up.timestampDelta = clock &- timestamp.value
            down.echoDelta = timestamp.value &- clock
        }
        world.openings[segment.tuple] = up
        world.openings[way.reversed] = down
        counters.append(.plainOpened)
        return translateOpening(segment, segment.tuple)
    }

    private func clientHash(_ segment: Segment, withPort: Bool) -> UInt64 {
        let hash = mixed(mixed(segment.tuple.source.high) ^ segment.tuple.source.low)
        return withPort ? mixed(hash ^ UInt64(segment.tuple.sourcePort)) : hash
    }

    private func endpoint(for segment: Segment) -> PlainEndpoint? {
        let slots = world.plain.slots
        guard !slots.isEmpty else { return nil }
        let hash = clientHash(segment, withPort: world.plain.hashesPort)
        let place = Int(slots[share(hash, of: slots.count)])
        return place < world.plain.endpoints.count ? world.plain.endpoints[place] : nil
    }

    /// From one of our addresses and ports to the endpoint, such that nobody has the tuple.
    private mutating func freeWay(_ segment: Segment, to endpoint: PlainEndpoint) -> Tuple? {
        let now = world.earlier == 0 ? world.now : world.earlier
        var hash = mixed(clientHash(segment, withPort: true) ^ UInt64(segment.sequence) ^ now)
        let source = endpoint.sources[share(hash, of: endpoint.sources.count)]
        for attempt in 1...portAttempts {
            hash = mixed(hash)
            let ports = world.plain.ports
            let way = Tuple(
                source: source, destination: endpoint.address,
                sourcePort: ports.lowerBound + UInt16(share(hash, of: ports.count)),
                destinationPort: endpoint.port)
            // A flow that is over gives way after some, another client's opening in the end.
            let hasNoFlow =
                attempt > portAttempts / 2
                ? releasePort(of: way.reversed, now) : world.index(of: way.reversed) == nil
            if hasNoFlow, world.openings[way.reversed] == nil || attempt > portAttempts - 2 {
                return way
            }
        }
        return nil
    }

    /// Whether no flow has the tuple; one that has been over for half a minute loses it.
    private mutating func releasePort(of tuple: Tuple, _ now: UInt64) -> Bool {
        guard let row = world.row(of: tuple) else { return true }
        let peer = peer(of: row).map { world.rows[$0].row }
        let rests = [row, peer].compactMap(\.self).allSatisfy { row in
            row.rest(at: Row.tick(at: now)) >= portRest
        }
        let isOver = row.state == .closed || row.state == .reset || peer?.state == .reset
        guard isOver, rests else { return false }
        if peer != nil { world.remove(row.rewrite.reversed) }
        world.remove(tuple)
        return true
    }

    /// Nobody serves: the client gets an RST at once (RFC 9293 §3.5.2), data in its SYN or not.
    private mutating func refuse(_ segment: Segment) -> Verdict {
        guard segment.payload <= 3072 else { return end(.drop, .plainRefused) }
        answer(
            segment,
            AnswerHeader(
                sequence: 0, acknowledgement: segment.sequence &+ 1 &+ UInt32(segment.payload),
                flags: Flag.rst | Flag.ack))
        counters.append(.plainRefused)
        return sendAnswer(segment)
    }

    /// A packet of no flow: perhaps of one that is about to stand.
    mutating func packetOfOpening(_ segment: Segment) -> Verdict {
        guard let row = world.openings[segment.tuple] else { return openPlain(segment) }
        guard let peer = world.openings[row.rewrite.reversed],
            peer.rewrite.reversed == segment.tuple
        else {
            world.openings[segment.tuple] = nil
            return openPlain(segment)
        }
        return row.flags.contains(.upstream)
            ? clientOpening(segment, row, peer) : endpointOpening(segment, row, peer)
    }

    private mutating func clientOpening(_ segment: Segment, _ row: Row, _ peer: Row) -> Verdict {
        if segment.has(Flag.syn) {
            if segment.sequence == row.clientISN, !isGivenUp(segment, row, peer) {
                return translateOpening(segment, segment.tuple)
            }
            forgetOpening(segment.tuple, row)
            return openPlain(segment)
        }
        if segment.has(Flag.rst) { return translateOpening(segment, segment.tuple) }
        // Who names the SYN-ACK's number has seen it.
        guard segment.has(Flag.ack), peer.flags.contains(.answered),
            isSent(segment.acknowledgement, by: peer),
            segment.sequence &- row.firstSequence < windowMost
        else { return end(.drop, .dropConnecting) }
        var (up, down) = (row, peer)
        up.state = .established
        down.state = .established
        forgetOpening(segment.tuple, row)
        world.rows.append((row.rewrite.reversed, down))
        world.rows.append((segment.tuple, up))
        tell(.established, segment, up)
        return translate(segment, world.rows.count - 1)
    }

    /// Whether the endpoint has not answered for half a second, and others get such clients by now.
    private func isGivenUp(_ segment: Segment, _ row: Row, _ peer: Row) -> Bool {
        let now = world.earlier == 0 ? world.now : world.earlier
        guard !peer.flags.contains(.answered), now &- row.created >= 500_000_000,
            let endpoint = endpoint(for: segment)
        else { return false }
        return (endpoint.address, endpoint.port)
            != (row.rewrite.destination, row.rewrite.destinationPort)
    }

    private mutating func endpointOpening(_ segment: Segment, _ row: Row, _ peer: Row) -> Verdict {
        if segment.has(Flag.syn) {
            guard segment.flags & (Flag.ack | Flag.rst) == Flag.ack,
                isSent(segment.acknowledgement &+ row.acknowledgementDelta, by: peer)
            else { return end(.drop, .dropBadSynAck) }
            let isRepeated =
                row.flags.contains(.answered) && row.firstSequence == segment.sequence &+ 1
            // Data may have come behind the first one (RFC 7413).
            if !isRepeated { note(segment, row, peer) }
        }
        return translateOpening(segment, segment.tuple)
    }

    /// Whether it acknowledges something that the direction has sent, the SYN at least.
    private func isSent(_ acknowledgement: UInt32, by row: Row) -> Bool {
        let sent = UInt32(truncatingIfNeeded: row.nextSequence) &- row.firstSequence
        return acknowledgement &- row.firstSequence <= sent
    }

    /// What both ends agreed on.
    private mutating func note(_ segment: Segment, _ row: Row, _ peer: Row) {
        let offer = offer(of: segment)
        var agreed: RowFlags = []
        if offer.timestamp != nil { agreed.insert(.timestamps) }
        if offer.hasSACK { agreed.insert(.sack) }
        if offer.scale != nil { agreed.insert(.windowScale) }
        var (row, peer) = (row, peer)
        row.flags.formUnion(agreed.union(.answered))
        peer.flags.formUnion(agreed)
        row.endpointScale = offer.scale ?? 0
        peer.endpointScale = row.endpointScale
        row.firstSequence = segment.sequence &+ 1
        row.nextSequence = UInt64(segment.sequence &+ 1)
        row.lastAcknowledgement = segment.acknowledgement
        peer.lastAcknowledgement = segment.sequence &+ 1
        world.openings[row.rewrite.reversed] = peer
        world.openings[segment.tuple] = row
    }

    private mutating func forgetOpening(_ tuple: Tuple, _ row: Row) {
        world.openings[row.rewrite.reversed] = nil
        world.openings[tuple] = nil
    }

    /// As the packet of a flow whose other direction nobody sees.
    private mutating func translateOpening(_ segment: Segment, _ tuple: Tuple) -> Verdict {
        guard let row = world.openings[tuple] else { return .drop }
        let rows = world.rows
        world.rows = [(tuple, row)]
        let verdict = translate(segment, 0)
        world.openings[tuple] = world.rows[0].row
        world.rows = rows
        return verdict
    }
}
