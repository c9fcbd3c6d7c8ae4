// SPDX-License-Identifier: Apache-2.0

/// Data further ahead of the ISN than this is of another connection.
private let helloWindow: UInt32 = 131072
/// A note older than this is of another SYN.
private let noteLife: UInt64 = 60_000_000_000

extension Passage {
    /// The program for clients without a flow. What the program before it looked at and counted is
    /// not counted again.
    mutating func handshake() -> Verdict {
        let segment: Segment
        switch find() {
        case .none(let verdict, _): return verdict
        case .icmp: return .pass
        case .segment(let found): segment = found
        }
        if segment.isFragment { return .pass }
        guard let address = world.handshakes.address,
            address == (segment.tuple.destination, segment.tuple.destinationPort)
        else { return isForSourcePort(segment) ? stray(segment) : end(.pass, .passNoFlow) }
        if let closed = world.handshakes.adopted[segment.tuple] {
            // TIME_WAIT of a socket of ours does not keep a client from coming again.
            guard segment.flags & (Flag.syn | Flag.ack) == Flag.syn, closed != 0 else {
                return end(.pass, .passAdopted)
            }
            world.handshakes.adopted[segment.tuple] = nil
        }
        let kind = segment.flags & (Flag.syn | Flag.ack | Flag.rst | Flag.fin)
        if world.handshakes.listener.isPlain,
            kind == Flag.syn || world.handshakes.notes[segment.tuple] == nil
        {
            return stray(segment)
        }
        return kind == Flag.syn ? answerSYN(segment) : segmentOfClient(segment)
    }

    /// An endpoint's, of a flow that is not there. What passes through the host is not asked of
    /// here: nothing is forwarded, and no socket has the port.
    private func isForSourcePort(_ segment: Segment) -> Bool {
        world.sourcePorts.contains(segment.tuple.destinationPort)
            && segment.flags & (Flag.syn | Flag.rst) == 0
            && world.endpoints.contains { $0 == (segment.tuple.source, segment.tuple.sourcePort) }
    }

    /// Told to the daemon, as often as the budget allows; the stack resets what it hears of.
    private mutating func stray(_ segment: Segment) -> Verdict {
        if segment.flags & (Flag.ack | Flag.rst) == Flag.ack, world.hasToken {
            tellOfClient(.stray, segment, created: 0)
            return end(.drop, .dropStray)
        }
        return end(.pass, .passStray)
    }

    /// SYN-ACK with a cookie. Data in a SYN is left to the client's repetition (RFC 7413 §3.1); more
    /// than 3 KiB, which no SYN has, cannot be summed up and cut off.
    private mutating func answerSYN(_ segment: Segment) -> Verdict {
        guard segment.payload <= 3072 else { return end(.drop, .dropSynData) }
        guard isIntact(segment) else { return end(.drop, .dropMalformed) }
        let offer = offer(of: segment)
        let note = note(of: segment, offer)
        let promise = world.handshakes.listener
        let header = AnswerHeader(
            sequence: note.cookie, acknowledgement: segment.sequence &+ 1,
            flags: Flag.syn | Flag.ack, window: promise.window,
            options: synOptions(
                note.flags, mss: promise.mss, scale: note.ourScale,
                timestampWords(note.timestamp, offer.timestamp?.value ?? 0)))
        answer(segment, header)
        counters.append(.synAnswered)
        return sendAnswer(segment)
    }

    /// A repeated SYN is answered as the first: with another ISN the client would reset.
    private mutating func note(of segment: Segment, _ offer: Offer) -> Note {
        if let known = world.handshakes.notes[segment.tuple],
            known.clientISN == segment.sequence, world.now &- known.created < noteLife
        {
            return known
        }
        let promise = world.handshakes.listener
        var note = Note()
        note.clientISN = segment.sequence
        note.cookie = world.cookie
        note.created = world.now
        note.interface = world.interface
        note.mss = offer.mss
        note.listener = promise.id
        if offer.timestamp != nil, promise.promisesTimestamps {
            note.flags |= Note.timestamps
            note.timestamp = timestampKeeping(offer)
        }
        if offer.hasSACK { note.flags |= Note.sack }
        if let scale = offer.scale {
            note.flags |= Note.windowScale
            note.scale = scale
            note.ourScale = promise.windowScale
        }
        world.handshakes.notes[segment.tuple] = note
        return note
    }

    /// Milliseconds, the low seven bits taken for what the client offered: scale (15: none), SACK,
    /// and one of four sizes, as the stack's own cookies have it.
    private func timestampKeeping(_ offer: Offer) -> UInt32 {
        let size: UInt32 =
            switch offer.mss {
            case ..<1220: 0
            case ..<1400: 1
            case ..<1440: 2
            default: 3
            }
        let kept = UInt32(offer.scale ?? 15) | (offer.hasSACK ? 16 : 0) | size << 5
        return UInt32(truncatingIfNeeded: world.now / 1_000_000) & ~127 | kept
    }

    /// What the client offered and we can promise, every option on four bytes.
    func synOptions(
        _ flags: UInt16, mss: UInt16, scale: UInt8, _ timestamps: [UInt8]
    ) -> [UInt8] {
        var options: [UInt8] = [2, 4, UInt8(mss >> 8), UInt8(mss & 0xff)]
        let hasSACK = flags & Note.sack != 0
        if flags & Note.timestamps != 0 {
            var words = timestamps
            if hasSACK { words.put([4, 2], at: 0) }
            options += words
        } else if hasSACK {
            options += [1, 1, 4, 2]
        }
        if flags & Note.windowScale != 0 { options += [1, 3, 3, scale] }
        return options
    }

    /// A segment behind a handshake, or one that is of none and whose cookie is not right.
    private mutating func segmentOfClient(_ segment: Segment) -> Verdict {
        guard var note = world.handshakes.notes[segment.tuple], continues(segment, note)
        else { return stray(segment) }
        let isFirst = note.flags & Note.data == 0 && segment.sequence == note.clientISN &+ 1
        note.flags |= Note.acknowledged | (segment.payload > 0 ? Note.data : 0)
        world.handshakes.notes[segment.tuple] = note
        if segment.has(Flag.rst) {
            guard isBelieved(segment) else { return end(.drop, .dropMalformed) }
            world.handshakes.notes[segment.tuple] = nil
            tellOfClient(.abandoned, segment, created: 0)
            return end(.drop, .dropConnecting)
        }
        if segment.payload > 0 {
            if isFirst, let verdict = openKnown(segment, note) { return verdict }
            return recordHello(segment, created: 0)
        }
        guard segment.has(Flag.fin) else { return end(.drop, .handshakeAck) }
        guard segment.sequence == note.clientISN &+ 1 else { return end(.drop, .dropConnecting) }
        return resetEarlyFIN(segment)
    }

    private func continues(_ segment: Segment, _ note: Note) -> Bool {
        continues(segment, isn: note.clientISN, cookie: note.cookie)
    }

    /// Whether a segment belongs to a handshake with those initial numbers.
    func continues(_ segment: Segment, isn: UInt32, cookie: UInt32) -> Bool {
        segment.has(Flag.ack) && segment.acknowledgement == cookie &+ 1
            && segment.sequence &- isn &- 1 < helloWindow
    }

    /// A client that closes without a word: nobody is there to acknowledge its FIN.
    private mutating func resetEarlyFIN(_ segment: Segment) -> Verdict {
        world.handshakes.notes[segment.tuple] = nil
        answer(
            segment,
            AnswerHeader(sequence: segment.acknowledgement, acknowledgement: 0, flags: Flag.rst))
        counters.append(.resetEarlyFin)
        return sendAnswer(segment)
    }
}
