// SPDX-License-Identifier: Apache-2.0

/// SipHash-1-3 over whole words, whose number is fixed.
private struct SipHash {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    init(_ key: (UInt64, UInt64)) {
        state = (
            key.0 ^ 0x736f_6d65_7073_6575, key.1 ^ 0x646f_7261_6e64_6f6d,
            key.0 ^ 0x6c79_6765_6e65_7261, key.1 ^ 0x7465_6462_7974_6573
        )
    }

    mutating func add(_ word: UInt64) {
        state.3 ^= word
        round()
        state.0 ^= word
    }

    mutating func end() -> UInt64 {
        state.2 ^= 0xff
        for _ in 1...3 { round() }
        return state.0 ^ state.1 ^ state.2 ^ state.3
    }

    private mutating func round() {
        state.0 &+= state.1
        state.1 = turned(state.1, 13) ^ state.0
        state.0 = turned(state.0, 32)
        state.2 &+= state.3
        state.3 = turned(state.3, 16) ^ state.2
        state.0 &+= state.3
        state.3 = turned(state.3, 21) ^ state.0
        state.2 &+= state.1
        state.1 = turned(state.1, 17) ^ state.2
        state.2 = turned(state.2, 32)
    }

    private func turned(_ word: UInt64, _ bits: UInt64) -> UInt64 {
        word << bits | word >> (64 - bits)
    }
}

extension Tuple {
    /// Our initial sequence number (RFC 6528): a keyed hash of the tuple, and 4 µs a step.
    func initialSequence(_ key: (UInt64, UInt64), now: UInt64) -> UInt32 {
        var hash = SipHash(key)
        for word in [source.high, source.low, destination.high, destination.low] { hash.add(word) }
        hash.add(UInt64(sourcePort) << 16 | UInt64(destinationPort))
        return UInt32(truncatingIfNeeded: hash.end()) &+ UInt32(truncatingIfNeeded: now >> 12)
    }
}
