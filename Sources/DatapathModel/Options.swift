// SPDX-License-Identifier: Apache-2.0

/// One TCP option of two bytes or more, whole inside its header.
struct Option {
    let kind: UInt8
    let at: Int
    let length: Int
}

/// What the options of a SYN or of a first segment say.
struct Offer {
    var mss: UInt16
    var scale: UInt8?
    var hasSACK = false
    var timestamp: (value: UInt32, echo: UInt32)?
}

extension Passage {
    /// The options in their order (RFC 9293 §3.1). The end of the list ends them, and so does a
    /// length below 2 or beyond the header: what follows such a lie has no meaning.
    func options(of segment: Segment) -> [Option] {
        var found: [Option] = []
        var at = segment.tcp + 20
        let end = segment.tcp + segment.header
        while at < end, bytes[at] != 0 {
            if bytes[at] == 1 {
                at += 1
                continue
            }
            guard at + 1 < end else { break }
            let length = Int(bytes[at + 1])
            guard length >= 2, at + length <= end else { break }
            found.append(Option(kind: bytes[at], at: at, length: length))
            at += length
        }
        return found
    }

    /// Reads what was offered; of an option that stands twice, the last counts. Lengths other than
    /// the RFCs' mean another option. A scale above 14 is taken as 14 (RFC 7323 §2.3). Without an
    /// MSS, it is 536 or 1220 (RFC 9293 §3.7.1).
    func offer(of segment: Segment) -> Offer {
        var offer = Offer(mss: segment.isIPv6 ? 1220 : 536)
        for option in options(of: segment) {
            switch (option.kind, option.length) {
            case (2, 4): offer.mss = bytes.half(option.at + 2)
            case (3, 3): offer.scale = min(14, bytes[option.at + 2])
            case (4, 2): offer.hasSACK = true
            case (8, 10):
                offer.timestamp = (bytes.word(option.at + 2), bytes.word(option.at + 6))
            default: break
            }
        }
        return offer
    }

    /// Options that carry numbers of the connection are translated where they stand.
    mutating func translateOptions(of segment: Segment, by row: Row) {
        for option in options(of: segment) {
            switch (option.kind, option.length) {
            case (8, 10): translateTimestamps(option.at, segment, row)
            case (5, _) where row.flags.contains(.stripSACK): blank(option)
            case (5, _): translateEdges(option, row)
            default: break
            }
        }
    }

    /// RFC 7323 §3.2: TSecr of a segment without ACK is 0 and means nothing; a stray value of one
    /// that breaks this is moved, as its receiver might look at it.
    private mutating func translateTimestamps(_ at: Int, _ segment: Segment, _ row: Row) {
        bytes.put(bytes.word(at + 2) &+ row.timestampDelta, at: at + 2)
        let echo = bytes.word(at + 6)
        if echo != 0 || segment.has(Flag.ack) { bytes.put(echo &+ row.echoDelta, at: at + 6) }
    }

    /// RFC 2018 §3: edges are acknowledgements. Four blocks are the most; whole edges of an option
    /// of odd length move too, and what goes beyond 34 bytes is no SACK any more.
    private mutating func translateEdges(_ option: Option, _ row: Row) {
        for index in 0..<min(8, (option.length - 2) / 4) {
            let at = option.at + 2 + index * 4
            bytes.put(bytes.word(at) &+ row.acknowledgementDelta, at: at)
        }
    }

    /// An endpoint that refused SACK must see none (RFC 2018 §2): NOPs stand in its place.
    private mutating func blank(_ option: Option) {
        for at in option.at..<option.at + min(34, option.length) { bytes[at] = 1 }
    }
}
