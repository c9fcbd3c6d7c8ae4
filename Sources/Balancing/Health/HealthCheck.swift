// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// How the endpoints of a cluster are asked whether they are well.
public struct HealthCheck: Hashable, Sendable {
    /// What is asked of an endpoint.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Whether it accepts a connection.
        case tcp
        /// Whether it answers a ClientHello with a ServerHello.
        case tls
        /// Whether it answers GET with a status of the range.
        case http
        /// Whether it answers some bytes with certain others.
        case send
    }

    /// What an endpoint is taken for before its first check.
    public enum Start: String, Hashable, Sendable, CaseIterable {
        /// It is well, and serves.
        case assumeUp = "assume_up"
        /// It does not serve until a check found it well.
        case waitForFirst = "wait_for_first"
    }

    /// What is asked.
    public var kind = Kind.tcp
    /// Between the starts of two checks.
    public var interval = Duration.seconds(5)
    /// How long one check may take, from the SYN on.
    public var timeout = Duration.seconds(2)
    /// Good checks in a row that bring an endpoint back, 1 or more.
    public var rise = 2
    /// Bad checks in a row that take it out, 1 or more.
    public var fall = 3
    /// The interval while checks disagree with what an endpoint is taken for; nil: `interval`.
    public var fastInterval: Duration?
    /// The interval of endpoints that are down; nil: `interval`.
    public var downInterval: Duration?
    /// By how many percent of it an interval may be longer or shorter, 0…50.
    public var jitter = 10
    /// Before the first check.
    public var start = Start.assumeUp
    /// The path of GET.
    public var path = "/"
    /// HTTP status codes that are good.
    public var status = 200...399
    /// The SNI of the ClientHello, or the Host of GET; nil: as the cluster is reached.
    public var serverName: ServerName?
    /// What is sent.
    public var send = ProbeBytes([])
    /// What must be somewhere in the answer; not empty where it is asked for.
    public var expect = ProbeBytes([])

    /// The defaults.
    public init() {}
}

/// Bytes of a check, which configurations write as text, or as hexadecimal digits behind `hex:`.
public struct ProbeBytes: Hashable, Sendable, CustomStringConvertible {
    /// At most ``limit``.
    public let bytes: [UInt8]

    /// The most bytes.
    public static let limit = 4096

    /// These bytes.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// As written; nil when digits are missing, or there is too much.
    public init?(_ text: String) {
        let digits = text.utf8.dropFirst(4).filter { $0 != UInt8(ascii: " ") }
        guard text.hasPrefix("hex:") else {
            guard text.utf8.count <= Self.limit else { return nil }
            bytes = Array(text.utf8)
            return
        }
        guard digits.count.isMultiple(of: 2), digits.count <= 2 * Self.limit else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(digits[place]), let low = Self.value(digits[place + 1])
            else { return nil }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// As text where it is printable, else in hexadecimal.
    public var description: String {
        let isText = bytes.allSatisfy { (32...126).contains($0) || [9, 10, 13].contains($0) }
        let text = String(decoding: bytes, as: UTF8.self)
        if isText, !text.hasPrefix("hex:") { return text }
        return "hex:"
            + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
