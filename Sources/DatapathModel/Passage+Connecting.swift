// SPDX-License-Identifier: Apache-2.0

extension Passage {
    /// The client while its endpoint is silent. Its data goes to the daemon; its SYN, if it is not
    /// the one we answered, means that it gave the connection up.
    mutating func clientWhileConnecting(_ segment: Segment, _ index: Int) -> Verdict {
        let row = world.rows[index].row
        if segment.has(Flag.syn) {
            return segment.sequence == row.clientISN ? .pass : beginAnew(segment.tuple, row)
        }
        if segment.has(Flag.rst) {
            guard continues(segment, isn: row.clientISN, cookie: row.cookie)
            else { return end(.drop, .dropConnecting) }
            guard isBelieved(segment) else { return end(.drop, .dropMalformed) }
            tellOfClient(.abandoned, segment, created: row.created)
            return end(.drop, .dropConnecting)
        }
        if segment.payload == 0 { return end(.drop, .dropConnecting) }
        return recordHello(segment, created: row.created)
    }

    /// Nobody but us verifies what ends here. Of data, the daemon does.
    func isBelieved(_ segment: Segment) -> Bool { segment.payload > 0 || isIntact(segment) }

    /// Data that nobody acknowledges yet: the client keeps it, the daemon reads it.
    mutating func recordHello(_ segment: Segment, created: UInt64) -> Verdict {
        let timestamp = offer(of: segment).timestamp ?? (value: 0, echo: 0)
        let start = segment.tcp + segment.header
        var at = 0
        while at < segment.payload {
            let piece = start + at..<start + min(at + 4096, segment.payload)
            records.append(
                .hello(
                    Record.Hello(
                        client: segment.tuple, created: created,
                        sequence: segment.sequence &+ UInt32(at), timestamp: timestamp.value,
                        timestampEcho: timestamp.echo, window: segment.window,
                        bytes: Array(bytes[piece]))))
            at += 4096
        }
        return end(.drop, .helloRecorded)
    }

    mutating func tellOfClient(_ event: Record.Event, _ segment: Segment, created: UInt64) {
        records.append(
            .event(
                event, client: segment.tuple, created: created, sequence: segment.sequence,
                acknowledgement: segment.acknowledgement))
    }

    /// The endpoint's answer to our SYN (RFC 9293 §3.10.7.3). What does not acknowledge it is of
    /// another connection: a plain ACK means that the endpoint remembers one (RFC 5961 §4).
    mutating func endpointWhileConnecting(_ segment: Segment, _ index: Int) -> Verdict {
        let row = world.rows[index].row
        guard isBelieved(segment) else { return end(.drop, .dropMalformed) }
        guard segment.has(Flag.ack), segment.acknowledgement == row.isn &+ 1 else {
            if segment.flags & (Flag.ack | Flag.syn | Flag.rst) == Flag.ack {
                tell(.challenged, segment, row)
            }
            return end(.drop, .dropBadSynAck)
        }
        if segment.has(Flag.rst) {
            tell(.refused, segment, row)
            return end(.drop, .dropConnecting)
        }
        guard segment.has(Flag.syn), segment.payload == 0 else { return end(.drop, .dropBadSynAck) }
        let offer = offer(of: segment)
        guard let peer = peer(of: row), world.rows[peer].row.state == .connecting else {
            return end(.drop, .dropConnecting)
        }
        if row.flags.contains(.timestamps), offer.timestamp == nil {
            tell(.optionsRefused, segment, row)
            return end(.drop, .dropConnecting)
        }
        if row.flags.contains(.answered) { return end(.drop, .dropConnecting) }
        world.rows[index].row.flags.insert(.answered)
        completeNumbers(segment, offer, index, peer)
        completePromises(segment, offer, index, peer)
        world.rows[peer].row.state = .established
        world.rows[index].row.state = .established
        world.rows[index].row.ingressInterface = world.interface
        tell(.established, segment, world.rows[index].row)
        return sendHello(segment, index, peer, offer.timestamp?.value ?? 0)
    }

    /// The endpoint's numbers are known now: what the client was told, less what they are.
    private mutating func completeNumbers(
        _ segment: Segment, _ offer: Offer, _ index: Int, _ peer: Int
    ) {
        let helloLength = world.rows[index].row.handover.helloLength
        let upstream = world.rows[peer].row
        let delta = upstream.cookie &- segment.sequence
        let echoDelta = upstream.echoDelta &+ (offer.timestamp?.value ?? 0)
        world.rows[index].row.sequenceDelta = delta
        world.rows[peer].row.acknowledgementDelta = 0 &- delta
        world.rows[index].row.timestampDelta = 0 &- echoDelta
        world.rows[peer].row.echoDelta = echoDelta
        // Bounds as if the hello and the SYN-ACK had passed: they never are translated.
        world.rows[peer].row.lastAcknowledgement = upstream.cookie &+ 1
        world.rows[peer].row.nextSequence = UInt64(upstream.firstSequence) + UInt64(helloLength)
        world.rows[index].row.lastAcknowledgement = segment.acknowledgement
        world.rows[index].row.firstSequence = segment.sequence &+ 1
        world.rows[index].row.nextSequence = UInt64(segment.sequence &+ 1)
        // The MSS leaves out headers of 20 bytes each, IPv6's of 40 (RFC 6691 §2).
        world.rows[peer].row.sizeLimit = offer.mss &+ (segment.isIPv6 ? 60 : 40)
    }

    /// What the client was promised and the endpoint did not grant is made up for.
    private mutating func completePromises(
        _ segment: Segment, _ offer: Offer, _ index: Int, _ peer: Int
    ) {
        let row = world.rows[index].row
        if row.flags.contains(.windowScale) {
            let scale = offer.scale ?? 0
            world.rows[index].row.endpointScale = scale
            world.rows[peer].row.endpointScale = scale
            // From the endpoint's scale to the one that the client was told. An endpoint without
            // scaling takes what the client writes as bytes.
            world.rows[index].row.windowShift = Int8(scale) - Int8(row.handover.ourScale)
            world.rows[peer].row.windowShift =
                offer.scale == nil ? Int8(row.handover.clientScale) : 0
            if offer.scale == nil {
                world.rows[index].row.flags.insert(.unscaled)
                world.rows[peer].row.flags.insert(.unscaled)
            }
        }
        if row.flags.contains(.sack), !offer.hasSACK {
            world.rows[index].row.flags.insert(.stripSACK)
            world.rows[peer].row.flags.insert(.stripSACK)
        }
    }

    /// A SYN-ACK on a flow that stands: the endpoint did not see our ACK, and gets it again.
    mutating func repeatedSynAck(_ segment: Segment, _ index: Int) -> Verdict {
        let row = world.rows[index].row
        guard let peer = peer(of: row), segment.payload == 0,
            segment.acknowledgement == row.isn &+ 1
        else { return end(.drop, .dropBadSynAck) }
        guard isIntact(segment) else { return end(.drop, .dropMalformed) }
        return sendHello(segment, index, peer, offer(of: segment).timestamp?.value ?? 0)
    }

    /// The SYN-ACK becomes ACK + ClientHello. Segments before the last leave as clones by the
    /// device it came from, so that the packet faces back; it goes on as the last one. An
    /// overwritten template is a plain ACK, and the client repeats its hello.
    private mutating func sendHello(
        _ segment: Segment, _ index: Int, _ peer: Int, _ timestamp: UInt32
    ) -> Verdict {
        let row = world.rows[index].row
        let upstream = world.rows[peer].row
        let segments = row.handover.segments
        if row.handover.segmentCount > 1 { faceBack() }
        var header = AnswerHeader(
            sequence: row.isn &+ 1, acknowledgement: segment.sequence &+ 1,
            flags: Flag.ack, window: rescaled(row.handover.clientWindow, by: upstream.windowShift))
        if row.flags.contains(.timestamps) {
            // What the client's first one is translated to: our SYN's.
            header.options = timestampWords(
                UInt32(truncatingIfNeeded: row.created / 1_000_000), timestamp)
        }
        let sent = segments.dropLast().reduce(0) { $0 + $1.count }
        header.sequence &+= UInt32(sent)
        if segments.count == row.handover.segmentCount, !segments.isEmpty {
            header.flags |= Flag.psh
        }
        answer(segment, header, segments.last ?? [])
        if let last = segments.last {
            world.rows[peer].row.packets += UInt64(segments.count)
            // What is in front of the hello is not the client's.
            let owned = Int(row.handover.ownedLength)
            world.rows[peer].row.bytes += UInt64(max(0, sent + last.count - owned))
            counters.append(.helloSent)
        } else {
            counters.append(row.handover.segmentCount > 0 ? .helloLost : .helloSent)
        }
        guard world.route(segment.tuple.source) != nil else { return end(.drop, .dropNoRoute) }
        return redirect()
    }

    /// A device with MAC addresses gets them exchanged.
    private mutating func faceBack() {
        guard ip == 14 else { return }
        bytes.put(Array(bytes[6..<12]) + Array(bytes[0..<6]), at: 0)
    }
}
