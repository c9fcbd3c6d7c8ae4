// SPDX-License-Identifier: Apache-2.0

import Foundation
import Settings
import Testing

/// Random numbers that are the same in every run (SplitMix64).
struct FixedNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

@Suite struct `Reader of configurations` {
    /// The files that are mutated: the examples, one after the other.
    private static func originals() throws -> [[Character]] {
        try Example.all.map { Array(try String(contentsOfFile: $0.path, encoding: .utf8)) }
    }

    /// `text` with a few characters dropped, doubled, or replaced by such as YAML gives a meaning.
    private func mutated(_ text: [Character], _ numbers: inout FixedNumbers) -> String {
        var text = text
        for _ in 0...Int.random(in: 0..<4, using: &numbers) {
            let place = Int.random(in: text.indices, using: &numbers)
            let length = min(Int.random(in: 1...20, using: &numbers), text.count - place)
            switch Int.random(in: 0..<3, using: &numbers) {
            case 0: text.removeSubrange(place..<(place + length))
            case 1: text.insert(contentsOf: text[place..<(place + length)], at: place)
            default:
                let signs = Array(":-[]{}\"'&*!|>%@#,?~\\\n\t <9é\u{1}")
                text[place] = signs.randomElement(using: &numbers) ?? ":"
            }
        }
        return String(text)
    }

    @Test(arguments: 0..<8)
    func `answers to any file, and with places inside of it`(seed: Int) throws {
        var numbers = FixedNumbers(state: UInt64(seed))
        for original in try Self.originals() {
            for _ in 0..<15 {
                let text = mutated(original, &numbers)
                do throws(ConfigurationErrors) {
                    _ = try Configuration.parse(text: text, fileName: "mutated.yaml")
                } catch {
                    let lines = text.split(
                        omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                    #expect(!error.errors.isEmpty)
                    #expect(error.errors.allSatisfy { $0.position?.line ?? 1 <= lines.count })
                }
            }
        }
    }

    @Test func `refuses what is nested without end`() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: ConfigurationErrors.self) {
            try Configuration.parse(text: text, fileName: "deep.yaml")
        }
    }

    @Test func `finds the place of each of many repeated keys`() {
        let routes = (0..<40).map { "h\($0 / 2).test: web" }.joined(separator: "\n      ")
        let text =
            "listeners:\n  a:\n    address: 192.0.2.1:443\n    routes:\n      \(routes)\n"
            + BrokenFile.twoClusters
        let errors = #expect(throws: ConfigurationErrors.self) {
            try Configuration.parse(text: text, fileName: "many.yaml")
        }
        #expect(errors?.errors.map { $0.position?.line } == (0..<20).map { $0 * 2 + 6 })
    }
}
