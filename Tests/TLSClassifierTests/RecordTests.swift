// SPDX-License-Identifier: Apache-2.0

import TLSClassifier
import Testing
import WireTypes

@Suite struct `Records around the hello` {
    private let hello = HelloBuilder.with(HelloBuilder.serverName("a.test"))

    /// The answer, the same in one piece and byte by byte.
    private func answer(_ stream: [UInt8], limit: Int = 16384) -> Classification {
        let answer = classify(stream, limit: limit)
        #expect(classifyByteByByte(stream, limit: limit) == answer)
        return answer
    }

    @Test func `have 1 to 16384 bytes`() {
        #expect(answer([22, 3, 1, 0, 0]) == .notClassifiable(.malformed))
        #expect(answer([22, 3, 1, 0x40, 0x01]) == .notClassifiable(.malformed))
        #expect(answer([22, 3, 1, 0x40, 0x00]) == .needsMore)
        #expect(answer([22, 3, 1, 0, 1, 1, 22, 3, 1, 0, 0]) == .notClassifiable(.malformed))
    }

    @Test(arguments: [20, 21, 23] as [UInt8])
    func `are not mixed with others before the hello ends`(type: UInt8) {
        let stream = Array(records(hello.message, of: 20).prefix(25)) + [type]
        #expect(answer(stream) == .notClassifiable(.malformed))
    }

    @Test func `carry a hello and no other message`() {
        for type in [0, 2, 11, 255] as [UInt8] {
            #expect(answer([22, 3, 1, 0, 4, type]) == .notClassifiable(.malformed))
        }
        #expect(answer([22, 3, 1, 0, 4, 1, 0, 0, 0]) == .notClassifiable(.malformed))
    }

    @Test func `may go on after the hello`() {
        var stream = hello.stream
        let size = stream.count
        stream[4] += 3
        for rest in [[], [1, 2, 3], [1, 2, 3, 4]] as [[UInt8]] {
            guard case .hello(let found) = answer(stream + rest) else {
                Issue.record("refused with \(rest)")
                continue
            }
            #expect(found.length == size)
        }
    }

    @Test func `count towards the limit`() {
        let size = hello.stream.count
        #expect(answer(hello.stream, limit: size) != .notClassifiable(.tooLarge))
        #expect(answer(hello.stream, limit: size - 1) == .notClassifiable(.tooLarge))
        let small = records(hello.message, of: 1)
        #expect(answer(small, limit: small.count) != .notClassifiable(.tooLarge))
        #expect(answer(small, limit: small.count - 1) == .notClassifiable(.tooLarge))
        #expect(answer(small, limit: size) == .notClassifiable(.tooLarge))
    }

    @Test func `are refused as soon as the hello claims too much`() {
        #expect(answer([22, 3, 1, 0x40, 0, 1, 0, 0x40]) == .needsMore)
        #expect(answer([22, 3, 1, 0x40, 0, 1, 0, 0x40, 0]) == .notClassifiable(.tooLarge))
        #expect(answer([22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]) == .notClassifiable(.tooLarge))
        let large: [UInt8] = [22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]
        #expect(answer(large, limit: .max) == .needsMore)
    }

    @Test(arguments: [.min, -1, 0, 1, 5, 8])
    func `fit no hello into a limit of next to nothing`(limit: Int) {
        #expect(answer(hello.stream, limit: limit) == .notClassifiable(.tooLarge))
    }

    @Test func `may hold a hello of 60 KiB when the limit allows`() {
        let padding = HelloBuilder.ext(21, [UInt8](repeating: 0, count: 60_000))
        let large = HelloBuilder.with(padding, HelloBuilder.serverName("a.test"))
        #expect(answer(large.stream) == .notClassifiable(.tooLarge))
        guard case .hello(let found) = answer(large.stream, limit: 65536) else {
            Issue.record("refused")
            return
        }
        #expect(found.serverName?.text == "a.test")
        #expect(found.length == large.stream.count)
    }
}
