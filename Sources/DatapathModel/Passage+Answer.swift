// SPDX-License-Identifier: Apache-2.0

/// The TCP header of an answer.
struct AnswerHeader {
    var sequence: UInt32
    var acknowledgement: UInt32
    var flags: UInt8
    var window: UInt16 = 0
    var options: [UInt8] = []
}

extension Passage {
    /// The packet becomes our answer to it: addresses and ports change sides, TTL is new, the IP
    /// header's other fields stay, but that nobody agreed on ECN. A damaged packet's checksum stays damaged.
    mutating func answer(_ segment: Segment, _ header: AnswerHeader, _ data: [UInt8] = []) {
        answer(segment, as: segment.tuple.reversed, header, data)
    }

    /// The same to somebody else than who sent the packet.
    mutating func answer(
        _ segment: Segment, as tuple: Tuple, _ header: AnswerHeader, _ data: [UInt8] = []
    ) {
        var tcp = [UInt8](repeating: 0, count: 20) + header.options + data
        tcp.put(tuple.sourcePort, at: 0)
        tcp.put(tuple.destinationPort, at: 2)
        tcp.put(header.sequence, at: 4)
        tcp.put(header.acknowledgement, at: 8)
        tcp[12] = UInt8((20 + header.options.count) / 4) << 4
        tcp[13] = header.flags
        tcp.put(header.window, at: 14)
        changing(segment) { passage in
            passage.bytes = Array(passage.bytes[..<segment.tcp]) + tcp
            passage.turn(tuple, segment.isIPv6)
            return (segment.tcp, passage.bytes.count)
        }
    }

    private mutating func turn(_ tuple: Tuple, _ isIPv6: Bool) {
        let length = bytes.count - ip
        bytes[ip + 1] &= isIPv6 ? ~0x30 : ~0x03
        if isIPv6 {
            bytes.put(UInt16(length - 40), at: ip + 4)
            bytes[ip + 7] = 64
            bytes.put(tuple.source, at: ip + 8)
            bytes.put(tuple.destination, at: ip + 24)
        } else {
            bytes.put(UInt16(length), at: ip + 2)
            bytes[ip + 8] = 64
            bytes.put(tuple.source.v4, at: ip + 12)
            bytes.put(tuple.destination.v4, at: ip + 16)
        }
    }

    /// Sends an answer to where the packet came from.
    mutating func sendAnswer(_ segment: Segment) -> Verdict {
        guard world.route(segment.tuple.source) != nil else { return end(.drop, .dropNoRoute) }
        return redirect()
    }
}

/// NOP NOP timestamps (RFC 7323, appendix A).
func timestampWords(_ value: UInt32, _ echo: UInt32) -> [UInt8] {
    var words: [UInt8] = [1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0]
    words.put(value, at: 4)
    words.put(echo, at: 8)
    return words
}
