// SPDX-License-Identifier: Apache-2.0

/// Flags of a TCP header (RFC 9293 §3.1).
enum Flag {
    static let fin: UInt8 = 1
    static let syn: UInt8 = 2
    static let rst: UInt8 = 4
    static let psh: UInt8 = 8
    static let ack: UInt8 = 16
    static let urg: UInt8 = 32
}

/// A TCP segment found in a packet.
struct Segment {
    var tuple: Tuple
    let isIPv6: Bool
    /// Where the TCP header begins.
    let tcp: Int
    /// Its size.
    let header: Int
    /// Bytes of data by the IP header.
    let payload: Int
    let sequence: UInt32
    let acknowledgement: UInt32
    let window: UInt16
    let flags: UInt8
    /// The first fragment of several.
    let isFragment: Bool

    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }

    /// Where the data ends; what lies behind is padding of the link.
    var end: Int { tcp + header + payload }
}

/// What a packet is.
enum Finding {
    case segment(Segment)
    case icmp(isIPv6: Bool)
    case none(Verdict, Counter)
}

/// Front of a segment: all that the IP header says of it.
private struct Front {
    var source: Address
    var destination: Address
    var tcp: Int
    /// Bytes of layer 3, by the header.
    var length: Int
    var isFragment: Bool
}

private enum FrontFinding {
    case front(Front)
    case other(Finding)
}

extension Passage {
    /// Finds the TCP segment. A header that contradicts itself is dropped rather than passed: the
    /// stack would drop it too, and no packet of a flow may reach it by being odd.
    func find() -> Finding {
        let found: FrontFinding
        switch etherType {
        case 0x0800: found = frontOfIPv4()
        case 0x86dd: found = frontOfIPv6()
        default: return .none(.pass, .passNotTCP)
        }
        switch found {
        case .other(let finding): return finding
        case .front(let front): return segment(behind: front)
        }
    }

    private func segment(behind front: Front) -> Finding {
        // Beyond this the datapath does not look: no sender that means well has such headers.
        guard front.tcp <= 512 else { return .none(.pass, .passExtension) }
        let tcp = front.tcp
        guard tcp + 20 <= bytes.count else { return .none(.drop, .dropMalformed) }
        let header = Int(bytes[tcp + 12] >> 4) * 4
        let payload = front.length - (tcp - ip) - header
        guard header >= 20, payload >= 0, ip + front.length <= bytes.count else {
            return .none(.drop, .dropMalformed)
        }
        let tuple = Tuple(
            source: front.source, destination: front.destination, sourcePort: bytes.half(tcp),
            destinationPort: bytes.half(tcp + 2))
        return .segment(
            Segment(
                tuple: tuple, isIPv6: etherType == 0x86dd, tcp: tcp, header: header,
                payload: payload, sequence: bytes.word(tcp + 4),
                acknowledgement: bytes.word(tcp + 8), window: bytes.half(tcp + 14),
                flags: bytes[tcp + 13], isFragment: front.isFragment))
    }

    /// RFC 791 §3.1. Fragments behind the first name no ports, so that nobody can know their flow.
    private func frontOfIPv4() -> FrontFinding {
        guard ip + 20 <= bytes.count else { return .other(.none(.pass, .passNotTCP)) }
        if bytes[ip + 9] == 1 { return .other(.icmp(isIPv6: false)) }
        guard bytes[ip + 9] == 6 else { return .other(.none(.pass, .passNotTCP)) }
        let fragment = bytes.half(ip + 6)
        guard fragment & 0x1fff == 0 else { return .other(.none(.pass, .passFragment)) }
        let size = Int(bytes[ip] & 15) * 4
        guard bytes[ip] >> 4 == 4, size >= 20 else {
            return .other(.none(.drop, .dropMalformed))
        }
        return .front(
            Front(
                source: Address(v4: bytes.word(ip + 12)),
                destination: Address(v4: bytes.word(ip + 16)), tcp: ip + size,
                length: length(bytes.half(ip + 2), plus: 0), isFragment: fragment & 0x2000 != 0))
    }

    /// RFC 8200 §3.
    private func frontOfIPv6() -> FrontFinding {
        guard ip + 40 <= bytes.count else { return .other(.none(.pass, .passNotTCP)) }
        guard bytes[ip] >> 4 == 6 else { return .other(.none(.drop, .dropMalformed)) }
        var front = Front(
            source: bytes.address(ip + 8), destination: bytes.address(ip + 24), tcp: ip + 40,
            length: length(bytes.half(ip + 4), plus: 40), isFragment: false)
        switch bytes[ip + 6] {
        case 6: return .front(front)
        case 44: return fragment(front)
        case 58: return .other(.icmp(isIPv6: true))
        case 17: return .other(.none(.pass, .passNotTCP))
        default:
            guard let tcp = behindExtensions() else {
                return .other(.none(.pass, .passExtension))
            }
            front.tcp = tcp
            return .front(front)
        }
    }

    /// RFC 8200 §4.5; only a fragment header right behind the IPv6 header counts.
    private func fragment(_ front: Front) -> FrontFinding {
        let at = ip + 40
        guard at + 8 <= bytes.count, bytes[at] == 6, bytes.half(at + 2) & 0xfff8 == 0 else {
            return .other(.none(.pass, .passFragment))
        }
        var front = front
        front.tcp += 8
        front.isFragment = true
        return .front(front)
    }

    /// Up to four headers of options for hops or for the destination (RFC 8200 §4.3, §4.6).
    private func behindExtensions() -> Int? {
        var at = ip + 40
        var next = bytes[ip + 6]
        var walked = 0
        while next != 6 {
            guard next == 0 || next == 60, walked < 4, at <= 504, at + 2 <= bytes.count else {
                return nil
            }
            next = bytes[at]
            at += (Int(bytes[at + 1]) + 1) * 8
            walked += 1
        }
        return at
    }

    /// A length of 0 is a packet of more than 64 KiB, and reaches to the end (RFC 2675, BIG TCP).
    private func length(_ field: UInt16, plus header: Int) -> Int {
        field == 0 ? bytes.count - ip : Int(field) + header
    }
}
