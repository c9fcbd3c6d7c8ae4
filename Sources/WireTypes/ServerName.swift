// SPDX-License-Identifier: Apache-2.0

/// A DNS name as TLS names a server (RFC 6066 §3), checked and normalised: lower case, no trailing
/// dot, 1…253 bytes of letters, digits, `-`, `_` and dots, labels of 1…63 bytes, not an IP literal.
public struct ServerName: Hashable, Sendable, CustomStringConvertible {
    /// The normalised name.
    public let text: String

    private static let longest = 253
    private static let longestLabel = 63

    /// The name in `bytes`, or nil when it is none. Allocates only for names of over 15 bytes.
    public init?(_ bytes: Span<UInt8>) {
        var count = bytes.count
        if count > 0, bytes[count - 1] == UInt8(ascii: ".") { count -= 1 }
        guard count <= Self.longest else { return nil }
        var normalised = InlineArray<253, UInt8>(repeating: 0)
        guard Self.normalise(bytes.extracting(..<count), into: &normalised),
            let characters = try? UTF8Span(validating: normalised.span.extracting(..<count))
        else { return nil }
        text = String(copying: characters)
    }

    /// The name in `text`, or nil when it is none.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        self.init(bytes.span)
    }

    /// The name itself.
    public var description: String { text }

    /// Checks and copies in one pass; false when the bytes are no name.
    private static func normalise(_ bytes: Span<UInt8>, into output: inout InlineArray<253, UInt8>)
        -> Bool
    {
        var label = 0
        var labelIsNumber = true
        for index in bytes.indices {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                output[index] = byte
                labelIsNumber = false
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                output[index] = byte | 0x20
                labelIsNumber = false
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                output[index] = byte
            case UInt8(ascii: "."):
                guard (1...longestLabel).contains(label) else { return false }
                output[index] = byte
                label = -1
                labelIsNumber = true
            default:
                return false
            }
            label += 1
        }
        // A last label of digits alone makes the whole an IPv4 literal or nothing (RFC 3696 §2).
        return (1...longestLabel).contains(label) && !labelIsNumber
    }
}
