// SPDX-License-Identifier: Apache-2.0

import Foundation
import TLSClassifier
import Testing
import WireTypes

/// Spoilt captures. SLUICE_FUZZ_INPUTS sets how many, SLUICE_FUZZ_SEED repeats a run.
@Suite struct `Spoilt hellos` {
    #if DEBUG
        private static let usual = 40_000
    #else
        private static let usual = 200_000
    #endif

    @Test func `get one answer however they arrive, and never a trap`() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["SLUICE_FUZZ_INPUTS"].flatMap { Int($0) } ?? Self.usual
        let seed =
            environment["SLUICE_FUZZ_SEED"].flatMap { UInt64($0) }
            ?? UInt64.random(in: 1...0xffff_ffff)
        var numbers = SeededNumbers(seed: seed)
        let messages = try CapturedHello.all.map { try $0.message() }
        var answered = 0
        for input in 0..<count {
            let stream = spoiltStream(messages, &numbers)
            let limit = Int.random(in: 0..<8, using: &numbers) == 0 ? 300 : 16384
            let whole = classify(stream, limit: limit)
            let most = [3, 40, 600][Int.random(in: 0..<3, using: &numbers)]
            let pieces = classify(stream, limit: limit) {
                Int.random(in: 1...most, using: &numbers)
            }
            if case .hello(let hello) = whole {
                answered += 1
                try #require(
                    hello.length <= stream.count && isSound(hello.serverName),
                    "seed \(seed), input \(input)")
            }
            try #require(whole == pieces, "seed \(seed), input \(input)")
        }
        // The inputs must reach the depths of the parser, not die at its door.
        #expect(answered > count / 50, "seed \(seed)")
    }

    private func isSound(_ name: ServerName?) -> Bool {
        guard let name else { return true }
        return ServerName(name.text) == name
    }

    /// A capture, spoilt before or after it is cut into records.
    private func spoiltStream(_ messages: [[UInt8]], _ numbers: inout SeededNumbers) -> [UInt8] {
        var message = messages[Int.random(in: messages.indices, using: &numbers)]
        let spoilsMessage = Bool.random(using: &numbers)
        if spoilsMessage { spoil(&message, &numbers) }
        // Small records only now and then: their headers make most of the stream.
        let size = Int.random(in: 0..<4, using: &numbers) == 0 ? 7...400 : 0x4000...0x4000
        var stream = records(message, of: Int.random(in: size, using: &numbers))
        if !spoilsMessage { spoil(&stream, &numbers) }
        return stream
    }

    private func spoil(_ bytes: inout [UInt8], _ numbers: inout SeededNumbers) {
        for _ in 0..<Int.random(in: 1...3, using: &numbers) where !bytes.isEmpty {
            let index = Int.random(in: bytes.indices, using: &numbers)
            let end = min(index + Int.random(in: 1...8, using: &numbers), bytes.count)
            switch Int.random(in: 0..<7, using: &numbers) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &numbers)
            case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
            case 2: bytes[index] &+= Bool.random(using: &numbers) ? 1 : 255
            case 3: bytes[index] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &numbers) ?? 0
            case 4: bytes.removeSubrange(index..<end)
            case 5: bytes.insert(contentsOf: bytes[index..<end], at: index)
            default: bytes.removeSubrange(index...)
            }
        }
    }
}
