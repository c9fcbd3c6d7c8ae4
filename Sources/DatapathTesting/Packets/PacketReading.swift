// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// A packet taken apart for people: one line a field. Reads as far as the bytes go.
public struct PacketReading: Sendable {
    /// Name and value of each field, in order.
    public private(set) var fields: [(name: String, value: String)] = []
    /// Checksums and lengths that do not fit the bytes.
    public private(set) var faults: [String] = []
    private let bytes: [UInt8]

    /// Takes `bytes` apart; `hasLink`: they begin with an Ethernet header.
    public init(_ bytes: [UInt8], hasLink: Bool = true) {
        self.bytes = bytes
        read(hasLink)
    }

    private mutating func read(_ hasLink: Bool) {
        var at = 0
        if hasLink {
            guard bytes.count >= 14 else { return fault("no whole Ethernet header") }
            add("eth dst", hex(0..<6))
            add("eth src", hex(6..<12))
            add("eth type", hex(12..<14))
            at = 14
        }
        guard at < bytes.count else { return fault("no IP header") }
        if bytes[at] >> 4 == 4 { readIPv4(at) } else { readIPv6(at) }
    }

    private mutating func readIPv4(_ at: Int) {
        let size = Int(bytes[at] & 15) * 4
        guard size >= 20, at + size <= bytes.count else { return fault("no whole IPv4 header") }
        let source = IPAddress(v4: word(at + 12))
        let destination = IPAddress(v4: word(at + 16))
        add("ip length", "\(half(at + 2))")
        add("ttl", "\(bytes[at + 8])")
        add("ip check", hex(at + 10..<at + 12))
        if size > 20 { add("ip options", hex(at + 20..<at + size)) }
        var sum = InternetChecksum()
        let header = Array(bytes[at..<at + size])
        sum.add(header.span)
        if sum.folded != 0xffff { fault("IPv4 header checksum is wrong") }
        if at + Int(half(at + 2)) != bytes.count { fault("IPv4 length is wrong") }
        readTCP(at + size, source, destination)
    }

    private mutating func readIPv6(_ at: Int) {
        guard at + 40 <= bytes.count else { return fault("no whole IPv6 header") }
        let source = address(at + 8)
        let destination = address(at + 24)
        add("ip length", "\(half(at + 4))")
        add("hop limit", "\(bytes[at + 7])")
        if at + 40 + Int(half(at + 4)) != bytes.count { fault("IPv6 length is wrong") }
        var next = bytes[at + 6]
        var position = at + 40
        while next == 0 || next == 60, position + 8 <= bytes.count {
            let size = (Int(bytes[position + 1]) + 1) * 8
            guard position + size <= bytes.count else { return fault("no whole extension") }
            add("extension \(next)", hex(position + 2..<position + size))
            next = bytes[position]
            position += size
        }
        guard next == 6 else { return add("next header", "\(next)") }
        readTCP(position, source, destination)
    }

    private mutating func readTCP(_ at: Int, _ source: IPAddress, _ destination: IPAddress) {
        guard at + 20 <= bytes.count else { return fault("no whole TCP header") }
        let size = Int(bytes[at + 12] >> 4) * 4
        add("from", "\(TransportAddress(source, half(at)))")
        add("to", "\(TransportAddress(destination, half(at + 2)))")
        add("seq", "\(word(at + 4))")
        add("ack", "\(word(at + 8))")
        add("header", "\(size)")
        add("flags", flagNames(bytes[at + 13]))
        add("window", "\(half(at + 14))")
        add("tcp check", hex(at + 16..<at + 18))
        add("urgent", "\(half(at + 18))")
        guard size >= 20, at + size <= bytes.count else { return fault("no whole TCP header") }
        add("options", hex(at + 20..<at + size))
        add("data", "\(bytes.count - at - size) bytes: " + hex(at + size..<bytes.count, atMost: 24))
        let sum = tcpChecksum(of: Array(bytes[at...]), from: source, to: destination)
        // Over a right checksum the sum is 0; the field itself takes part.
        if sum != 0 { fault("TCP checksum is wrong") }
    }

    private mutating func add(_ name: String, _ value: String) { fields.append((name, value)) }
    private mutating func fault(_ text: String) { faults.append(text) }
    private func half(_ at: Int) -> UInt16 { UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]) }
    private func word(_ at: Int) -> UInt32 { UInt32(half(at)) << 16 | UInt32(half(at + 2)) }

    private func address(_ at: Int) -> IPAddress {
        IPAddress(
            high: UInt64(word(at)) << 32 | UInt64(word(at + 4)),
            low: UInt64(word(at + 8)) << 32 | UInt64(word(at + 12)))
    }

    private func hex(_ range: Range<Int>, atMost limit: Int = 64) -> String {
        bytes[range].prefix(limit).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            .joined(separator: " ") + (range.count > limit ? " …" : "")
    }

    private func flagNames(_ flags: UInt8) -> String {
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]
        return names.indices.filter { flags >> $0 & 1 == 1 }.map { names[$0] }.joined(
            separator: " ")
    }
}
