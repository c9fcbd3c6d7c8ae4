// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@testable import Balancing

@Suite struct `Name expression` {
    private func groups(_ text: String, _ name: String) throws -> [String?]? {
        let expression = try NameExpression(text)
        let bytes = Array(name.utf8)
        return expression.groups(in: bytes.span)?.map { range in
            range.map { String(decoding: bytes[$0], as: UTF8.self) }
        }
    }

    @Test(arguments: [
        ("abc", "abc", true), ("abc", "abcd", false), ("abc", "ab", false), ("ABC", "abc", true),
        ("a.c", "abc", true), ("a\\.c", "abc", false), ("a\\.c", "a.c", true),
        ("[a-c]+", "abcabc", true), ("[a-c]+", "abd", false), ("[^.]+\\.x", "a-b.x", true),
        ("[^.]+\\.x", "a.b.x", false), ("[]a]", "a", true), ("[a-]", "-", true),
        ("\\d{2,3}", "1", false), ("\\d{2,3}", "12", true), ("\\d{2,3}", "123", true),
        ("\\d{2,3}", "1234", false), ("a{0}b", "b", true), ("\\w*", "a_9", true),
        ("\\w*", "a-9", false), ("a|b|cd", "cd", true), ("a|b|cd", "ad", false),
        ("(?:a|b)+c", "ababc", true), ("(a*)*", "aaa", true), ("(a*)+b", "b", true),
        ("x(|y)z", "xz", true), ("a?a?a?aaa", "aaa", true), ("(a|ab)(c|bcd)", "abcd", true),
    ])
    func `matches the whole name or nothing`(text: String, name: String, isMatch: Bool) throws {
        #expect(try groups(text, name).map { _ in true } ?? false == isMatch)
    }

    @Test func `keeps what its groups matched, as much as possible to the first`() throws {
        #expect(try groups("kafka-(\\d+)\\.x", "kafka-12.x") == ["12"])
        #expect(try groups("(a+)(a*)", "aaa") == ["aaa", ""])
        #expect(try groups("(a)|(b)", "b") == [nil, "b"])
        #expect(try groups("((a)b)+", "abab") == ["ab", "a"])
        #expect(try groups("(?:x(\\d))*", "x1x2") == ["2"])
    }

    @Test(arguments: [
        ("", 0, "it has 0 bytes; write 1 to 256"), ("a(b", 1, "the group is not closed"),
        ("a)b", 1, "\")\" closes nothing"), ("*a", 0, "\"*\" repeats nothing"),
        ("a**", 2, "something is repeated already"), ("[a", 0, "the class is not closed"),
        ("[b-a]", 4, "the range is upside down"),
        ("a{3,2}", 6, "write {2} or {1,3}, with numbers up to 253"),
        ("a{", 2, "write {2} or {1,3}, with numbers up to 253"),
        ("\\b", 1, "\"\\b\" is not known; there are \\d and \\w"),
        ("a\\", 2, "\"\\\" stands before nothing"), ("(?=a)", 2, "write (?:…) or (…)"),
        ("é", 1, "names are ASCII"), ("(((a{99}){99}){99})", 8 + 5, "it is too large; repeat less"),
        ("a$", 1, "the whole name is matched anyway; leave \"$\" out"),
    ])
    func `says where it is wrong`(text: String, offset: Int, reason: String) {
        let fault = #expect(throws: NameExpression.Fault.self) { try NameExpression(text) }
        #expect(fault == NameExpression.Fault(offset: offset, reason: reason))
    }

    @Test func `has at most nine groups, nested twenty deep`() {
        let nine = String(repeating: "(a)", count: 9)
        #expect(throws: Never.self) { try NameExpression(nine) }
        #expect(throws: NameExpression.Fault.self) { try NameExpression(nine + "(a)") }
        let deep = String(repeating: "(?:", count: 21) + "a" + String(repeating: ")", count: 21)
        #expect(throws: NameExpression.Fault.self) { try NameExpression(deep) }
    }

    /// What makes backtracking matchers try for ever.
    @Test(arguments: [
        "(a+)+b", "(a|a)*b", "(a|aa)+b", "(\\w*)*b", "(a?){60}a{60}", "(.*)(.*)(.*)(.*)b",
    ])
    func `takes linear time whatever it is`(text: String) throws {
        let expression = try NameExpression(text)
        let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 253)
        // A debug build on a busy machine: an exponential one would take until the end of time.
        let time = ContinuousClock().measure { _ = expression.groups(in: bytes.span) }
        #expect(time < .seconds(2))
    }

    @Test func `answers to any text`() {
        var numbers = FixedNumbers(state: 9)
        let signs = Array("ab.d\\[]()|?*+{}12,^$-:w")
        for _ in 0..<3000 {
            let length = Int.random(in: 1...14, using: &numbers)
            let text = String((0..<length).compactMap { _ in signs.randomElement(using: &numbers) })
            let name = Array("abab1.a".utf8)
            _ = (try? NameExpression(text))?.groups(in: name.span)
        }
    }
}
