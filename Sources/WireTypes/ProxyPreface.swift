// SPDX-License-Identifier: Apache-2.0

/// A PROXY header that came in front of a client's bytes (proxy-protocol.txt §2).
public struct ProxyPreface: Sendable, Equatable {
    /// Bytes of the header.
    public var length: Int
    /// The client, and where it connected to, as the sender says; nil: the sender speaks for itself
    /// (LOCAL), or does not know (UNKNOWN, UNSPEC, another protocol than TCP): the real ones count.
    public var named: FlowTuple?

    /// A header of that length.
    public init(length: Int, named: FlowTuple? = nil) {
        self.length = length
        self.named = named
    }

    /// The most bytes of a header that are read.
    public static let limit = 4096

    /// What first bytes amount to.
    public enum Reading: Sendable, Equatable {
        /// A beginning of a header.
        case needsMore
        /// A whole one.
        case whole(ProxyPreface)
        /// None, or one that contradicts itself.
        case malformed
    }

    /// Reads the first bytes of a connection that has to begin with a header.
    public static func read(_ bytes: Span<UInt8>) -> Reading {
        guard bytes.count > 0 else { return .needsMore }
        return bytes[0] == UInt8(ascii: "P") ? readLine(bytes) : readBinary(bytes)
    }
}

// Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 1024 443\r\n", at most 107 bytes (§2.1).
extension ProxyPreface {
    private static let longestLine = 107
    private static let lineStart = Array("PROXY ".utf8)

    private static func readLine(_ bytes: Span<UInt8>) -> Reading {
        for index in 0..<min(bytes.count, lineStart.count) where bytes[index] != lineStart[index] {
            return .malformed
        }
        var index = 0
        while index < min(bytes.count, longestLine) {
            if bytes[index] == UInt8(ascii: "\n") {
                guard bytes[index - 1] == UInt8(ascii: "\r") else { return .malformed }
                return read(line: bytes.extracting(lineStart.count..<index - 1), index + 1)
            }
            index += 1
        }
        return bytes.count < longestLine ? .needsMore : .malformed
    }

    private static func read(line: Span<UInt8>, _ length: Int) -> Reading {
        var text: [UInt8] = []
        for index in line.indices {
            guard 0x20...0x7e ~= line[index] else { return .malformed }
            text.append(line[index])
        }
        let words = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        // What follows the word is to be ignored.
        if words[0] == "UNKNOWN" { return .whole(ProxyPreface(length: length)) }
        guard words.count == 5, words[0] == "TCP4" || words[0] == "TCP6",
            let source = address(words[1], words[3], isIPv4: words[0] == "TCP4"),
            let destination = address(words[2], words[4], isIPv4: words[0] == "TCP4")
        else { return .malformed }
        let named = FlowTuple(source: source, destination: destination)
        return .whole(ProxyPreface(length: length, named: named))
    }

    private static func address(_ address: String, _ port: String, isIPv4: Bool)
        -> TransportAddress?
    {
        let digits = port.utf8
        guard 1...5 ~= digits.count, digits.count == 1 || digits.first != UInt8(ascii: "0"),
            digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let port = UInt16(port), let address = IPAddress(address), address.isIPv4 == isIPv4
        else { return nil }
        return TransportAddress(address, port)
    }
}

// Version 2: 12 bytes of signature, version and command, family, length, then as many bytes (§2.2).
extension ProxyPreface {
    private static let head = 16
    private static let crc32c: UInt8 = 0x03

    private static func readBinary(_ bytes: Span<UInt8>) -> Reading {
        let signature = ProxyProtocol.signature
        for index in 0..<min(bytes.count, signature.count) where bytes[index] != signature[index] {
            return .malformed
        }
        // Version 2; 0: LOCAL, 1: PROXY.
        if bytes.count > 12, bytes[12] != 0x20, bytes[12] != 0x21 { return .malformed }
        guard bytes.count >= head else { return .needsMore }
        let length = head + Int(bytes[14]) << 8 + Int(bytes[15])
        guard length <= limit else { return .malformed }
        guard bytes.count >= length else { return .needsMore }
        let header = bytes.extracting(..<length)
        // What LOCAL comes with is to be skipped.
        if header[12] == 0x20 { return .whole(ProxyPreface(length: length)) }
        switch header[13] {
        case 0x11: return read(header, addressSize: 4)
        case 0x21: return read(header, addressSize: 16)
        default: return .whole(ProxyPreface(length: length))
        }
    }

    private static func read(_ header: Span<UInt8>, addressSize size: Int) -> Reading {
        let end = head + 2 * size + 4
        guard header.count >= end, areWhole(header, tlvsFrom: end) else { return .malformed }
        let source = TransportAddress(
            address(header, at: head, size), port(header, at: head + 2 * size))
        let destination = TransportAddress(
            address(header, at: head + size, size), port(header, at: head + 2 * size + 2))
        return .whole(
            ProxyPreface(
                length: header.count,
                named: FlowTuple(source: source, destination: destination)))
    }

    /// Whether each TLV ends where the next begins, and the checksum, if there is one, is right.
    private static func areWhole(_ header: Span<UInt8>, tlvsFrom start: Int) -> Bool {
        var at = start
        while at < header.count {
            guard at + 3 <= header.count else { return false }
            let next = at + 3 + Int(port(header, at: at + 1))
            guard next <= header.count else { return false }
            if header[at] == crc32c {
                guard next == at + 7 else { return false }
                let told = UInt32(port(header, at: at + 3)) << 16 | UInt32(port(header, at: at + 5))
                guard CRC32C.sum(of: header, skipping: at + 3..<next) == told else { return false }
            }
            at = next
        }
        return true
    }

    private static func address(_ header: Span<UInt8>, at start: Int, _ size: Int) -> IPAddress {
        func number(_ range: Range<Int>) -> UInt64 {
            var value: UInt64 = 0
            for index in range { value = value << 8 | UInt64(header[start + index]) }
            return value
        }
        return size == 4
            ? IPAddress(v4: UInt32(truncatingIfNeeded: number(0..<4)))
            : IPAddress(high: number(0..<8), low: number(8..<16))
    }

    private static func port(_ header: Span<UInt8>, at place: Int) -> UInt16 {
        UInt16(header[place]) << 8 | UInt16(header[place + 1])
    }
}
