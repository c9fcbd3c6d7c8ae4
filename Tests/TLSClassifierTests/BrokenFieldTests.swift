// SPDX-License-Identifier: Apache-2.0

import TLSClassifier
import Testing
import WireTypes

/// A field of a captured hello that says how long something is.
private struct LengthField {
    let name: String
    let offset: Int
    let width: Int

    func value(in bytes: [UInt8]) -> Int {
        bytes[offset..<offset + width].reduce(0) { $0 << 8 | Int($1) }
    }

    /// `bytes` with the field set to `value`.
    func set(_ value: Int, in bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for index in 0..<width {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * (width - 1 - index)))
        }
        return bytes
    }
}

@Suite struct `A hello broken in one field` {
    @Test(arguments: CapturedHello.all)
    func `is no hello when a length is off by one`(hello: CapturedHello) throws {
        let bytes = try hello.bytes()
        for field in lengthFields(of: bytes) {
            let value = field.value(in: bytes)
            for wrong in [value - 1, value + 1] where wrong >= 0 {
                let broken = field.set(wrong, in: bytes)
                let answer = classify(broken)
                #expect(classifyByteByByte(broken) == answer)
                if field.name == "record", wrong > value {
                    // The record merely goes on after the hello.
                    hello.check(answer, length: bytes.count)
                } else if field.name == "hello", wrong > value {
                    #expect(answer == .needsMore)
                } else {
                    #expect(
                        answer == .notClassifiable(.malformed),
                        "\(field.name) at \(field.offset): \(wrong) for \(value)")
                }
            }
        }
    }

    @Test(arguments: CapturedHello.all)
    func `never yields another name when a length is anything`(hello: CapturedHello) throws {
        let bytes = try hello.bytes()
        for field in lengthFields(of: bytes) {
            let most = 1 << (8 * field.width) - 1
            for wrong in [0, 1, 2, most - 1, most, most / 2, most / 2 + 1] {
                guard case .hello(let found) = classify(field.set(wrong, in: bytes)) else {
                    continue
                }
                // None is right when the length happens to swallow the extensions whole.
                #expect(
                    found.serverName == nil || found.serverName?.text == hello.serverName,
                    "\(field.name) \(wrong)")
            }
        }
    }

    @Test(arguments: CapturedHello.all)
    func `is malformed when its end is missing`(hello: CapturedHello) throws {
        let message = try hello.message()
        for count in 4..<message.count {
            var cut = Array(message[..<count])
            cut[2] = UInt8((count - 4) >> 8)
            cut[3] = UInt8((count - 4) & 255)
            let answer = classify(records(cut, of: 0x4000))
            if case .hello(let found) = answer {
                // Cut right behind the compression methods it is a hello without extensions.
                #expect(found.serverName == nil)
                #expect(count == extensionsStart(of: cut))
            } else {
                #expect(answer == .notClassifiable(.malformed))
            }
        }
    }

    /// Where the extension block of `message` begins.
    private func extensionsStart(of message: [UInt8]) -> Int {
        let suites = 4 + 2 + 32 + 1 + Int(message[38])
        let compression = suites + 2 + Int(message[suites]) << 8 + Int(message[suites + 1])
        return compression + 1 + Int(message[compression])
    }

    private func lengthFields(of bytes: [UInt8]) -> [LengthField] {
        let suites = 5 + 38 + 1 + Int(bytes[43])
        let start = 5 + extensionsStart(of: Array(bytes[5...]))
        let compression = suites + 2 + Int(bytes[suites]) << 8 + Int(bytes[suites + 1])
        var fields = [
            LengthField(name: "record", offset: 3, width: 2),
            LengthField(name: "hello", offset: 6, width: 3),
            LengthField(name: "session id", offset: 43, width: 1),
            LengthField(name: "cipher suites", offset: suites, width: 2),
            LengthField(name: "compression", offset: compression, width: 1),
            LengthField(name: "extensions", offset: start, width: 2),
        ]
        var offset = start + 2
        while offset < bytes.count {
            let type = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
            let length = LengthField(name: "extension \(type)", offset: offset + 2, width: 2)
            fields.append(length)
            let data = offset + 4
            if type == 0 {
                fields.append(LengthField(name: "name list", offset: data, width: 2))
                fields.append(LengthField(name: "name", offset: data + 3, width: 2))
            } else if type == 16 {
                fields.append(LengthField(name: "ALPN list", offset: data, width: 2))
            } else if type == 43 {
                fields.append(LengthField(name: "versions", offset: data, width: 1))
            }
            offset = data + length.value(in: bytes)
        }
        return fields
    }
}
