// SPDX-License-Identifier: Apache-2.0

public import Balancing
internal import TLSClassifier
public import WireTypes

/// What a check says to an endpoint once it is connected, and what it makes of the answer. No I/O:
/// bytes in, verdict out.
public struct ProbeConversation: Sendable {
    /// What the bytes so far amount to.
    public enum Verdict: Hashable, Sendable {
        /// More must come.
        case needsMore
        /// The endpoint is well.
        case good
        /// It is not, for a reason that completes "the endpoint …".
        case bad(String)
    }

    private enum Manner {
        case connect, hello, get(ClosedRange<Int>), expect([UInt8])
    }

    /// What is said first; may be empty.
    public let greeting: [UInt8]
    private let manner: Manner
    private var answer: [UInt8] = []

    /// The most bytes of an answer that are looked at.
    public static let answerLimit = 16384

    /// A conversation as `check` wants it.
    ///
    /// - Parameters:
    ///   - serverName: The SNI, and the Host of GET.
    ///   - address: The endpoint's: the Host of GET without a name.
    ///   - proxyProtocol: What the endpoint wants in front of all that is said.
    public init(
        _ check: HealthCheck, serverName: ServerName?, address: TransportAddress,
        proxyProtocol: ProxyProtocol = .off, random: inout some RandomNumberGenerator
    ) {
        let words: [UInt8]
        switch check.kind {
        case .tcp:
            (manner, greeting) = (.connect, [])
            return
        case .tls:
            manner = .hello
            words = ProbeHello.record(serverName: serverName, random: &random)
        case .http:
            manner = .get(check.status)
            let host = serverName?.text ?? address.description
            words = Array(
                ("GET \(check.path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: sluice-health\r\n"
                    + "Accept: */*\r\nConnection: close\r\n\r\n").utf8)
        case .send: (manner, words) = (.expect(check.expect.bytes), check.send.bytes)
        }
        greeting = proxyProtocol.headerOfNobody + words
    }

    /// Whether nothing needs to be said or heard.
    public var isOver: Bool {
        if case .connect = manner { return true }
        return false
    }

    /// The endpoint said more.
    public mutating func hear(_ bytes: some Sequence<UInt8>) -> Verdict {
        answer += bytes
        let verdict = verdict
        if verdict == .needsMore, answer.count >= Self.answerLimit {
            return .bad("did not say what is expected in its first \(Self.answerLimit) bytes")
        }
        return verdict
    }

    /// The endpoint closed its half.
    public func end() -> Verdict {
        if answer.isEmpty { return .bad("closed the connection without an answer") }
        return .bad("closed the connection after \(shown)")
    }

    private var verdict: Verdict {
        switch manner {
        case .connect: .good
        case .hello: serverHello
        case .get(let status): statusLine(status)
        case .expect(let wanted): answer.contains(wanted) ? .good : .needsMore
        }
    }

    /// A record of type handshake that begins with ServerHello, which HelloRetryRequest is too
    /// (RFC 8446 §4, §4.1.4, §5.1): type 22, version, length, type 2.
    private var serverHello: Verdict {
        guard let type = answer.first else { return .needsMore }
        switch type {
        case 22:
            guard answer.count > 5 else { return .needsMore }
            return answer[1] == 3 && answer[5] == 2 ? .good : .bad("answered with \(shown)")
        case 21:
            guard answer.count > 6 else { return .needsMore }
            return .bad("answered with the TLS alert \(TLSAlert(rawValue: answer[6]).name)")
        default: return .bad("does not speak TLS: it answered with \(shown)")
        }
    }

    /// `HTTP/1.1 200 …` (RFC 9112 §4).
    private func statusLine(_ status: ClosedRange<Int>) -> Verdict {
        let start = Array("HTTP/1.".utf8)
        guard answer.prefix(start.count).elementsEqual(start.prefix(answer.count)) else {
            return .bad("does not speak HTTP/1: it answered with \(shown)")
        }
        guard answer.count >= 12 else { return .needsMore }
        guard answer[8] == UInt8(ascii: " "),
            let code = Int(String(decoding: answer[9..<12], as: UTF8.self))
        else { return .bad("does not speak HTTP/1: it answered with \(shown)") }
        return status.contains(code) ? .good : .bad("answered with status \(code)")
    }

    /// The first bytes of the answer: a stranger's text, bounded and escaped.
    private var shown: String {
        let isLong = answer.count > 32
        let text = answer.prefix(32).map { byte in
            (32...126).contains(byte) && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\"")
                ? String(UnicodeScalar(byte))
                : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "\"" + text.joined() + "\"" + (isLong ? "…" : "")
    }
}

extension [UInt8] {
    /// Whether these bytes stand in it somewhere.
    fileprivate func contains(_ wanted: [UInt8]) -> Bool {
        guard let first = wanted.first, count >= wanted.count else { return wanted.isEmpty }
        return (0...count - wanted.count).contains { start in
            self[start] == first && self[start..<start + wanted.count].elementsEqual(wanted)
        }
    }
}

extension TLSAlert {
    /// By the names of RFC 8446 §6.2, where one of them is likely.
    fileprivate var name: String {
        switch rawValue {
        case 0: "close_notify"
        case 10: "unexpected_message"
        case 40: "handshake_failure"
        case 42: "bad_certificate"
        case 47: "illegal_parameter"
        case 49: "access_denied"
        case 50: "decode_error"
        case 70: "protocol_version"
        case 71: "insufficient_security"
        case 80: "internal_error"
        case 86: "inappropriate_fallback"
        case 109: "missing_extension"
        case 110: "unsupported_extension"
        case 112: "unrecognized_name"
        case 116: "certificate_required"
        case 120: "no_application_protocol"
        default: "\(rawValue)"
        }
    }
}
