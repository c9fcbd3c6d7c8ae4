// SPDX-License-Identifier: Apache-2.0

/// The row against a quoted packet, or what becomes of an error that has none.
private enum Quoted {
    case row(Row)
    case none(Verdict, Counter)
}

/// Errors of routers and receivers about packets that we translated (RFC 792, RFC 4443 §3): what
/// they quote becomes what its sender wrote, or its kernel would not know it. They come from the
/// listener or from us afterwards: no address behind us shows on the other side.
extension Passage {
    mutating func translateICMP() -> Verdict {
        let message = ip + 20
        let quote = ip + 28
        let tcp = quote + 20
        guard tcp + 8 <= bytes.count, bytes[ip] & 15 == 5, bytes.half(ip + 6) & 0x3fff == 0,
            [3, 11, 12].contains(bytes[message]), bytes[quote] == 0x45, bytes[quote + 9] == 6,
            bytes.half(quote + 6) & 0x1fff == 0, bytes.word(ip + 16) == bytes.word(quote + 12)
        else { return end(.pass, .passNotTCP) }
        let quoted = Tuple(
            source: Address(v4: bytes.word(quote + 12)),
            destination: Address(v4: bytes.word(quote + 16)), sourcePort: bytes.half(tcp),
            destinationPort: bytes.half(tcp + 2))
        switch sender(of: quoted, bytes.word(tcp + 4)) {
        case .none(let verdict, let counter): return end(verdict, counter)
        case .row(let row):
            guard bytes[ip + 8] > 1 else { return end(.drop, .dropTTL) }
            restoreIPv4(quote, row)
            restoreTCP(tcp, row, before: icmpSum(message, isIPv6: false), message)
            return sendError(row)
        }
    }

    mutating func translateICMPv6() -> Verdict {
        let message = ip + 40
        let quote = ip + 48
        let tcp = quote + 40
        // Errors are 1 to 4; echo and neighbour discovery are above 127 (RFC 4443 §2.1).
        guard tcp + 8 <= bytes.count, (1...4).contains(bytes[message]), bytes[quote] >> 4 == 6,
            bytes[quote + 6] == 6
        else { return end(.pass, .passNotTCP) }
        let quoted = Tuple(
            source: bytes.address(quote + 8), destination: bytes.address(quote + 24),
            sourcePort: bytes.half(tcp), destinationPort: bytes.half(tcp + 2))
        switch sender(of: quoted, bytes.word(tcp + 4)) {
        case .none(let verdict, let counter): return end(verdict, counter)
        case .row(let row):
            guard bytes[ip + 7] > 1 else { return end(.drop, .dropTTL) }
            let before = icmpSum(message, isIPv6: true)
            bytes[ip + 7] -= 1
            bytes.put(row.rewrite.source, at: ip + 8)
            bytes.put(row.rewrite.destination, at: ip + 24)
            bytes.put(row.rewrite.destination, at: quote + 8)
            bytes.put(row.rewrite.source, at: quote + 24)
            restoreTCP(tcp, row, before: before, message)
            return sendError(row)
        }
    }

    /// Whether to believe the error (RFC 5927 §4.1): the flow stands, and what is quoted has been
    /// sent and not been acknowledged. Anything else about a flow is stale or forged.
    private func sender(of quoted: Tuple, _ sequence: UInt32) -> Quoted {
        guard let row = world.row(of: quoted.reversed), row.state != .connecting else {
            return .none(.pass, .passNotTCP)
        }
        guard let peer = peer(of: row) else { return .none(.drop, .dropIcmpStale) }
        let other = world.rows[peer].row
        let sent = UInt32(truncatingIfNeeded: other.nextSequence) &+ other.sequenceDelta
        let acknowledged = row.lastAcknowledgement
        guard sequence &- acknowledged <= sent &- acknowledged else {
            return .none(.drop, .dropIcmpStale)
        }
        return .row(row)
    }

    private mutating func restoreIPv4(_ quote: Int, _ row: Row) {
        let outer = ipv4Sum()
        let outerField = bytes.half(ip + 10)
        bytes[ip + 8] -= 1
        bytes.put(row.rewrite.source.v4, at: ip + 12)
        bytes.put(row.rewrite.destination.v4, at: ip + 16)
        bytes.put(ipv4Sum().checksum(replacing: outer, was: outerField), at: ip + 10)
    }

    /// Sums are those from before, and the ICMP message is changed here: quoted addresses of IPv4
    /// with their checksum, ports and sequence number.
    private mutating func restoreTCP(_ tcp: Int, _ row: Row, before: WordSum, _ message: Int) {
        let isIPv6 = etherType == 0x86dd
        if !isIPv6 {
            let quote = message + 8
            let inner = quotedSum(quote)
            bytes.put(row.rewrite.destination.v4, at: quote + 12)
            bytes.put(row.rewrite.source.v4, at: quote + 16)
            let field = bytes.half(quote + 10)
            bytes.put(quotedSum(quote).checksum(replacing: inner, was: field), at: quote + 10)
        }
        bytes.put(row.rewrite.destinationPort, at: tcp)
        bytes.put(row.rewrite.sourcePort, at: tcp + 2)
        bytes.put(known(bytes.word(tcp + 4), row) &+ row.acknowledgementDelta, at: tcp + 4)
        let sum = icmpSum(message, isIPv6: isIPv6)
        let field = bytes.half(message + 2)
        bytes.put(sum.checksum(replacing: before, was: field), at: message + 2)
    }

    /// A segment that begins with bytes of ours begins, for the client, with its first.
    private func known(_ sequence: UInt32, _ row: Row) -> UInt32 {
        let first = row.isn &+ 1
        let owned = UInt32(row.handover.ownedLength)
        let isOwned = !row.flags.contains(.upstream) && sequence &- first < owned
        return isOwned ? first &+ owned : sequence
    }

    private func quotedSum(_ quote: Int) -> WordSum {
        var sum = WordSum()
        sum.add(bytes, quote..<quote + 10)
        sum.add(bytes, quote + 12..<quote + 20)
        return sum
    }

    private mutating func sendError(_ row: Row) -> Verdict {
        guard world.route(row.rewrite.destination) != nil else { return end(.drop, .dropNoRoute) }
        counters.append(.icmpTranslated)
        return redirect()
    }
}
