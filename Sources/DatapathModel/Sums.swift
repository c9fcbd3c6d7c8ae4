// SPDX-License-Identifier: Apache-2.0

/// Sums of what a checksum covers, its own field left out.
extension Passage {
    /// The IPv4 header (RFC 791 §3.1).
    func ipv4Sum() -> WordSum {
        var sum = WordSum()
        let end = ip + Int(bytes[ip] & 15) * 4
        sum.add(bytes, ip..<ip + 10)
        sum.add(bytes, ip + 12..<end)
        return sum
    }

    /// The pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) over `length` bytes of `proto`.
    func pseudoSum(isIPv6: Bool, _ proto: UInt16, _ length: Int) -> WordSum {
        var sum = WordSum()
        if isIPv6 {
            sum.add(bytes, ip + 8..<ip + 40)
        } else {
            sum.add(bytes, ip + 12..<ip + 20)
        }
        sum.add(proto)
        sum.add(UInt32(length))
        return sum
    }

    /// Pseudo-header, TCP header and data up to `end`.
    func tcpSum(_ tcp: Int, _ end: Int, isIPv6: Bool) -> WordSum {
        var sum = pseudoSum(isIPv6: isIPv6, 6, end - tcp)
        sum.add(bytes, tcp..<tcp + 16)
        sum.add(bytes, tcp + 18..<end)
        return sum
    }

    /// Whether the TCP checksum is right, or was left to a device: the pseudo-header's sum alone.
    func isIntact(_ segment: Segment) -> Bool {
        let field = bytes.half(segment.tcp + 16)
        let length = segment.end - segment.tcp
        if pseudoSum(isIPv6: segment.isIPv6, 6, length).folded == field { return true }
        var sum = tcpSum(segment.tcp, segment.end, isIPv6: segment.isIPv6)
        sum.add(field)
        return sum.folded == 0xffff
    }

    /// An ICMP message from `at` to the end of the packet; ICMPv6 with its pseudo-header.
    func icmpSum(_ at: Int, isIPv6: Bool) -> WordSum {
        var sum = isIPv6 ? pseudoSum(isIPv6: true, 58, bytes.count - at) : WordSum()
        sum.add(bytes, at..<at + 2)
        sum.add(bytes, at + 4..<bytes.count)
        return sum
    }

    /// Changes the packet by `body` and sets the IPv4 and TCP checksums to match.
    mutating func changing(
        _ segment: Segment, _ body: (inout Passage) -> (tcp: Int, end: Int)
    ) {
        let tcpBefore = tcpSum(segment.tcp, segment.end, isIPv6: segment.isIPv6)
        let tcpField = bytes.half(segment.tcp + 16)
        let ipBefore = segment.isIPv6 ? WordSum() : ipv4Sum()
        let ipField = bytes.half(ip + 10)
        let place = body(&self)
        let sum = tcpSum(place.tcp, place.end, isIPv6: segment.isIPv6)
        bytes.put(sum.checksum(replacing: tcpBefore, was: tcpField), at: place.tcp + 16)
        if !segment.isIPv6 {
            bytes.put(ipv4Sum().checksum(replacing: ipBefore, was: ipField), at: ip + 10)
        }
    }
}
