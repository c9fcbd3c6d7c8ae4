// SPDX-License-Identifier: Apache-2.0

import NameResolving
import Testing
import WireTypes

@Suite struct `DNS answer` {
    /// A question for `a.test`, and so many answers.
    private func message(_ answers: [[UInt8]]) -> [UInt8] {
        let head: [UInt8] = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, UInt8(answers.count), 0, 0, 0, 0]
        let question: [UInt8] = [1, 0x61, 4, 0x74, 0x65, 0x73, 0x74, 0, 0, 1, 0, 1]
        return head + question + answers.flatMap(\.self)
    }

    private func record(_ type: UInt8, _ time: UInt8, _ data: [UInt8]) -> [UInt8] {
        [0xc0, 12, 0, type, 0, 1, 0, 0, 0, time, 0, UInt8(data.count)] + data
    }

    private func read(_ bytes: [UInt8]) -> NameAnswer? { NameAnswer(reading: bytes.span) }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test func `has the addresses behind an alias, and the least time of all`() throws {
        let six =
            [UInt8](arrayLiteral: 0x20, 1, 0x0d, 0xb8) + [UInt8](repeating: 0, count: 11) + [9]
        let bytes = message([
            record(5, 7, [1, 0x62, 0xc0, 14]), record(1, 60, [10, 0, 0, 1]),
            record(1, 30, [10, 0, 0, 2]), record(28, 90, six), record(16, 99, [1, 0x78]),
        ])
        let answer = try #require(read(bytes))
        #expect(
            answer.addresses
                == [try address("10.0.0.1"), try address("10.0.0.2"), try address("2001:db8::9")])
        #expect(answer.timeToLive == 7)
    }

    @Test func `without records has nothing`() {
        #expect(read(message([])) == NameAnswer.none)
    }

    @Test func `that ends too early is none`() {
        let bytes = message([record(1, 60, [10, 0, 0, 1])])
        for count in 0..<bytes.count {
            #expect(read(Array(bytes.prefix(count))) == nil)
        }
    }

    @Test func `may be any bytes`() {
        var numbers = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = message([record(1, 60, [10, 0, 0, 1]), record(5, 1, [0xc0, 12])])
            for _ in 0..<Int.random(in: 1...8, using: &numbers) {
                bytes[Int.random(in: bytes.indices, using: &numbers)] = .random(in: 0...255)
            }
            _ = read(bytes)
        }
    }
}

@Suite struct `Book of names` {
    private static let second: UInt64 = 1_000_000_000

    /// What the book says of an answer: whether it is a change.
    private func note(
        _ answer: NameAnswer?, in book: inout NameBook, at seconds: UInt64 = 0
    ) -> Bool {
        book.note(answer, of: "a.test", now: seconds * Self.second)
    }

    private func answer(_ addresses: String..., time: UInt32 = 5) throws -> NameAnswer {
        NameAnswer(
            addresses: try addresses.map { try #require(IPAddress($0)) }, timeToLive: time)
    }

    @Test func `asks again when the time of an answer is over, and tells of changes alone`() throws
    {
        var book = NameBook()
        book.follow(["a.test"], now: 0)
        #expect(book.due(now: 0) == ["a.test"])
        let first = note(try answer("10.0.0.2", "10.0.0.1"), in: &book)
        #expect(first)
        #expect(book.due(now: 5 * Self.second - 1).isEmpty)
        #expect(book.due(now: 5 * Self.second) == ["a.test"])
        let turned = note(try answer("10.0.0.1", "10.0.0.2"), in: &book, at: 5)
        #expect(!turned)
        let changed = note(try answer("10.0.0.3"), in: &book, at: 10)
        #expect(changed)
        #expect(book.addresses(of: "a.test").map { "\($0)" } == ["10.0.0.3"])
        #expect(book.nextLook == 15 * Self.second)
    }

    @Test func `keeps what it knows while nobody answers, and asks less and less often`() throws {
        var book = NameBook()
        book.follow(["a.test"], now: 0)
        _ = note(try answer("10.0.0.1"), in: &book)
        var pauses: [UInt64] = []
        for turn in 0..<7 {
            let failed = turn % 2 == 0 ? nil : NameAnswer.none
            let isChange = note(failed, in: &book)
            #expect(!isChange)
            pauses.append((book.nextLook ?? 0) / Self.second)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 30, 30])
        #expect(book.addresses(of: "a.test").count == 1)
        #expect(book.failures(of: "a.test") == 7)
        let isChange = note(try answer("10.0.0.1"), in: &book)
        #expect(!isChange && book.failures(of: "a.test") == 0)
    }

    @Test(arguments: [(0, 1), (86400 * 7, 3600)])
    func `bounds the time between two looks`(time: UInt32, seconds: UInt64) throws {
        var book = NameBook()
        book.follow(["a.test"], now: 0)
        _ = note(try answer("10.0.0.1", time: time), in: &book)
        #expect(book.nextLook == seconds * Self.second)
    }

    @Test func `forgets names that nobody wants any more`() throws {
        var book = NameBook()
        book.follow(["a.test", "b.test"], now: 0)
        _ = note(try answer("10.0.0.1"), in: &book)
        book.follow(["b.test"], now: 1)
        #expect(book.addresses(of: "a.test").isEmpty)
        #expect(book.due(now: 1) == ["b.test"])
        let isKnown = note(try answer("10.0.0.1"), in: &book, at: 2)
        #expect(!isKnown)
    }
}
