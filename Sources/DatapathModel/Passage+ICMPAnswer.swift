// SPDX-License-Identifier: Apache-2.0

/// Why a packet cannot go on.
enum Obstacle {
    case tooBig(UInt16)
    case outOfHops
}

/// Errors of our own, as a router sends them (RFC 1812 §4.3, RFC 4443 §2.4).
extension Passage {
    /// The packet becomes the error about itself: its IP header and 20 bytes of TCP are quoted.
    /// Anybody can provoke it, so that a budget limits it; IP headers beyond 60 bytes get none.
    mutating func answerICMP(_ segment: Segment, _ obstacle: Obstacle) -> Verdict {
        let front = segment.tcp - ip
        guard front <= 60 else { return .drop }
        guard world.hasToken else { return end(.drop, .icmpLimited) }
        var quote = Array(bytes[ip..<segment.tcp + 20])
        // Left to the device (CHECKSUM_PARTIAL), the field holds the sum of the pseudo-header, and
        // when it is filled in, the header adds up to that sum's complement.
        let pseudo = pseudoSum(
            isIPv6: segment.isIPv6, 6, segment.header + segment.payload
        ).folded
        let isPartial = pseudo == quote.half(front + 16)
        bytes = [UInt8](repeating: 0, count: ip) + header(segment, obstacle, quote.count) + quote
        if isPartial {
            quote.removeSubrange(front...)
            quote += [UInt8(~pseudo >> 8), UInt8(~pseudo & 0xff)]
        }
        sumMessage(segment, quote)
        counters.append(.icmpSent)
        guard world.route(segment.tuple.source) != nil else { return end(.drop, .dropNoRoute) }
        return redirect()
    }

    private func header(_ segment: Segment, _ obstacle: Obstacle, _ quoted: Int) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: segment.isIPv6 ? 48 : 28)
        if segment.isIPv6 {
            header[0] = 0x60
            header.put(UInt16(8 + quoted), at: 4)
            header[6] = 58
            header[7] = 64
            header.put(segment.tuple.destination, at: 8)
            header.put(segment.tuple.source, at: 24)
        } else {
            // Type of service: internetwork control (RFC 1812 §4.3.2.5).
            header.put([0x45, 0xc0], at: 0)
            header.put(UInt16(28 + quoted), at: 2)
            header.put([64, 1], at: 8)
            header.put(segment.tuple.destination.v4, at: 12)
            header.put(segment.tuple.source.v4, at: 16)
        }
        switch (obstacle, segment.isIPv6) {
        case (.tooBig(let mtu), true):
            header[40] = 2
            header.put(UInt32(mtu), at: 44)
        case (.tooBig(let mtu), false):
            // RFC 1191 §4: destination unreachable, fragmentation needed.
            header.put([3, 4], at: 20)
            header.put(UInt32(mtu), at: 24)
        case (.outOfHops, true): header[40] = 3
        case (.outOfHops, false): header[20] = 11
        }
        return header
    }

    /// `quote`: what the quoted packet adds to the sum.
    private mutating func sumMessage(_ segment: Segment, _ quote: [UInt8]) {
        let message = ip + (segment.isIPv6 ? 40 : 20)
        var sum = WordSum()
        if segment.isIPv6 {
            sum = pseudoSum(isIPv6: true, 58, bytes.count - message)
        } else {
            bytes.put(ipv4Sum().checksum, at: ip + 10)
        }
        sum.add(bytes, message..<message + 8)
        sum.add(quote, 0..<quote.count)
        bytes.put(sum.checksum, at: message + 2)
    }
}
