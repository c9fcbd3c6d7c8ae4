// SPDX-License-Identifier: Apache-2.0

internal import TLSClassifier
internal import WireTypes

/// Text of one JSON object (RFC 8259) that is begun, filled and ended; one line.
struct JSONLine {
    private(set) var bytes: [UInt8] = []
    private var isFirst = true

    /// Bytes of ALPN names in one line: a client may offer 64 KiB of them.
    private static let protocolsLimit = 512

    mutating func begin() {
        bytes.append(UInt8(ascii: "{"))
        isFirst = true
    }

    mutating func end() { bytes += "}\n".utf8 }

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    private mutating func key(_ name: StaticString) {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        bytes.append(UInt8(ascii: "\""))
        bytes += name.description.utf8
        bytes += "\":".utf8
    }

    mutating func add(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        key(name)
        quote(text)
    }

    mutating func add(_ name: StaticString, _ number: (some BinaryInteger)?) {
        guard let number else { return }
        key(name)
        bytes += String(number).utf8
    }

    mutating func addObject(_ name: StaticString, _ body: (inout JSONLine) -> Void) {
        key(name)
        bytes.append(UInt8(ascii: "{"))
        isFirst = true
        body(&self)
        isFirst = false
        bytes.append(UInt8(ascii: "}"))
    }

    mutating func add(_ name: StaticString, _ protocols: ApplicationProtocols) {
        if protocols.isEmpty { return }
        key(name)
        bytes.append(UInt8(ascii: "["))
        var separator = ""
        var length = 0
        for name in protocols {
            length += name.utf8.count
            if length > Self.protocolsLimit { break }
            bytes += separator.utf8
            quote(name)
            separator = ","
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Control characters are escaped, so that a line stays one whatever a stranger sends.
    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": bytes += #"\""#.utf8
            case "\\": bytes += #"\\"#.utf8
            case "\0"..<" ", "\u{7f}"..."\u{9f}", "\u{2028}"..."\u{2029}":
                let digits = String(scalar.value, radix: 16)
                bytes += (#"\u"# + String(repeating: "0", count: 4 - digits.utf8.count)).utf8
                bytes += digits.utf8
            default: bytes += UTF8.encode(scalar) ?? UTF8.encode("?") ?? .init()
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
