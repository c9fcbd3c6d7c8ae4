// SPDX-License-Identifier: Apache-2.0

/// A DNS name as TLS names a server (RFC 6066 §3), checked and normalised: lower case, no trailing
/// dot, 1…253 bytes of letters, digits, `-`, `_` and dots, labels of 1…63 bytes, not an IP literal.
public struct ServerName: Hashable, Sendable, CustomStringConvertible {
    /// The normalised name.
    public let text: String

    /// The name in `bytes`, or nil when it is none.
    public init?(_ bytes: Span<UInt8>) {
        var count = bytes.count
        if count > 0, bytes[count - 1] == UInt8(ascii: ".") { count -= 1 }
        guard (1...253).contains(count), Self.isWellFormed(bytes, count) else { return nil }
        text = String(lowercasedASCII: bytes, count)
    }

    /// The name in `text`, or nil when it is none.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        self.init(bytes.span)
    }

    /// The name itself.
    public var description: String { text }

    private static func isWellFormed(_ bytes: Span<UInt8>, _ count: Int) -> Bool {
        var label = 0
        var lastLabelIsNumber = true
        for index in 0..<count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "."):
                guard label > 0 else { return false }
                label = 0
                lastLabelIsNumber = true
                continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                break
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                lastLabelIsNumber = false
            default:
                return false
            }
            label += 1
            guard label <= 63 else { return false }
        }
        // A last label of digits alone makes the whole an IPv4 literal or nothing (RFC 3696 §2).
        return label > 0 && !lastLabelIsNumber
    }
}

extension String {
    /// The first `count` bytes, ASCII, in lower case.
    fileprivate init(lowercasedASCII bytes: Span<UInt8>, _ count: Int) {
        self.init()
        reserveCapacity(count)
        for index in 0..<count {
            let byte = bytes[index]
            let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            unicodeScalars.append(UnicodeScalar(isUpper ? byte | 0x20 : byte))
        }
    }
}
