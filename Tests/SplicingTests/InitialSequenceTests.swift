// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@testable import Splicing

@Suite struct `Initial sequence numbers` {
    private let tuple = FlowTuple(source: at("10.0.0.1:20000"), destination: at("10.0.1.1:443"))
    private let key: (UInt64, UInt64) = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)

    /// Computed by another implementation, in Python, with the key of the reference vectors.
    @Test func `hash as SipHash-1-3 does`() {
        func hash(_ words: [UInt64]) -> UInt64 {
            var hash = SipHash(key: key)
            for word in words { hash.add(word) }
            return hash.finish()
        }
        #expect(hash([]) == 0xb488_fcf4_1c8c_c5de)
        #expect(hash([1]) == 0x6d47_f8f6_7a13_2c23)
        let words: [UInt64] = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, 0, .max]
        #expect(hash(words) == 0x73de_f024_761e_bbb4)
    }

    @Test func `are the hash and a clock of 4 microseconds`() {
        let sequence = InitialSequence(key: key)
        #expect(sequence.number(for: tuple, now: 0) == 2_887_631_171)
        #expect(sequence.number(for: tuple, now: 4096 * 1000 + 5) == 2_887_632_171)
    }

    @Test func `rise with time for one tuple`() {
        let sequence = InitialSequence(key: key)
        var before = sequence.number(for: tuple, now: 0)
        // Steps of an hour stay below 2³¹ numbers; a day of them goes round several times.
        for hour in 1...24 {
            let number = sequence.number(for: tuple, now: UInt64(hour) * 3_600_000_000_000)
            #expect(SequenceNumber(before).precedes(SequenceNumber(number)))
            before = number
        }
    }

    @Test func `differ by each part of the tuple and by the key`() {
        let tuples = [
            tuple, tuple.reversed,
            FlowTuple(source: at("10.0.0.1:20001"), destination: tuple.destination),
            FlowTuple(source: at("10.0.0.2:20000"), destination: tuple.destination),
            FlowTuple(source: tuple.source, destination: at("10.0.1.1:444")),
            FlowTuple(source: tuple.source, destination: at("[2001:db8::1]:443")),
        ]
        let keys: [(UInt64, UInt64)] = [key, (key.0 ^ 1, key.1), (key.0, key.1 ^ 1)]
        let numbers = keys.flatMap { key in
            tuples.map { InitialSequence(key: key).number(for: $0, now: 0) }
        }
        #expect(Set(numbers).count == 18)
    }
}
