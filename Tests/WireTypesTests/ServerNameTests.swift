// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@Suite struct `Server name` {
    @Test func `is normalised to lower case without the trailing dot`() {
        #expect(ServerName("EXAMPLE.com.")?.text == "example.com")
        #expect(ServerName("EXAMPLE.com.") == ServerName("example.COM"))
        #expect(ServerName("AZaz09-_.Test")?.description == "azaz09-_.test")
        #expect(ServerName("localhost")?.text == "localhost")
        #expect(ServerName("xn--Bcher-kva.example")?.text == "xn--bcher-kva.example")
        #expect(ServerName("_sip.example")?.text == "_sip.example")
        #expect(ServerName("1.2.3.4.example")?.text == "1.2.3.4.example")
        #expect(ServerName("4chan")?.text == "4chan")
    }

    @Test func `has 1 to 253 bytes, the trailing dot aside`() {
        let label = String(repeating: "a", count: 49) + "."
        let name253 = String(repeating: label, count: 5) + "bcd"
        #expect(name253.utf8.count == 253)
        #expect(ServerName(name253)?.text == name253)
        #expect(ServerName(name253 + ".")?.text == name253)
        #expect(ServerName(name253 + "e") == nil)
        #expect(ServerName(name253 + "..") == nil)
        #expect(ServerName("") == nil)
        #expect(ServerName(".") == nil)
        #expect(ServerName("a")?.text == "a")
        #expect(ServerName(String(repeating: "a", count: 70_000)) == nil)
    }

    @Test func `has labels of 1 to 63 bytes`() {
        let label63 = String(repeating: "x", count: 63)
        #expect(ServerName("\(label63).test")?.text == "\(label63).test")
        #expect(ServerName("a.\(label63)")?.text == "a.\(label63)")
        #expect(ServerName("a.\(label63).")?.text == "a.\(label63)")
        #expect(ServerName("\(label63)x.test") == nil)
        #expect(ServerName("a.\(label63)x") == nil)
        for text in [".test", "a..test", "a.test..", "..", "...", ".a."] {
            #expect(ServerName(text) == nil, "\(text)")
        }
    }

    @Test func `holds nothing but letters, digits, hyphens, underscores and dots`() {
        for byte in UInt8.min...UInt8.max {
            let bytes = [UInt8(ascii: "a"), byte, UInt8(ascii: "b")]
            let character = Character(UnicodeScalar(byte))
            let isLegal =
                byte < 128
                && (character.isLetter || character.isNumber || "-_.".contains(character))
            #expect((ServerName(bytes.span) != nil) == isLegal, "byte \(byte)")
        }
        for text in [
            "a b.test", "a\0.test", "a.test\0", " a.test", "a.test\n", "bücher.test", "*.test",
        ] {
            #expect(ServerName(text) == nil, "\(text)")
        }
    }

    @Test(arguments: [
        "192.0.2.1", "192.0.2.1.", "1", "0.0", "1.2.3.4.5", "a.1", "::1", "[::1]", "2001:db8::1",
    ])
    func `is no IP literal`(text: String) {
        #expect(ServerName(text) == nil)
    }

    @Test func `is read from bytes as from text`() {
        let text = "Kafka1.Server.Test.Example.Com"
        let bytes = Array(text.utf8)
        #expect(ServerName(bytes.span) == ServerName(text))
        #expect(ServerName(bytes.span.extracting(0..<6))?.text == "kafka1")
        #expect(ServerName([UInt8]().span) == nil)
    }
}
