// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// Initial sequence numbers towards endpoints: RFC 6528's clock of 4 µs plus a keyed hash of the
/// tuple. The key outlives the daemon, so that a tuple's numbers go on rising after a restart.
struct InitialSequence: Sendable {
    private let key: (UInt64, UInt64)

    init(key: (UInt64, UInt64)) { self.key = key }

    func number(for tuple: FlowTuple, now: UInt64) -> UInt32 {
        var hash = SipHash(key: key)
        hash.add(tuple.source.address.high)
        hash.add(tuple.source.address.low)
        hash.add(tuple.destination.address.high)
        hash.add(tuple.destination.address.low)
        hash.add(UInt64(tuple.source.port) << 16 | UInt64(tuple.destination.port))
        return UInt32(truncatingIfNeeded: hash.finish()) &+ UInt32(truncatingIfNeeded: now / 4096)
    }
}

/// SipHash-1-3 over whole 64-bit words (Aumasson and Bernstein 2012); the length is fixed by the
/// caller, so it is not part of the last block.
struct SipHash {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    init(key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736f_6d65_7073_6575
        v1 = key.1 ^ 0x646f_7261_6e64_6f6d
        v2 = key.0 ^ 0x6c79_6765_6e65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    mutating func add(_ word: UInt64) {
        v3 ^= word
        round()
        v0 ^= word
    }

    mutating func finish() -> UInt64 {
        v2 ^= 0xff
        for _ in 0..<3 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    private mutating func round() {
        v0 &+= v1
        v1 = Self.rotate(v1, 13) ^ v0
        v0 = Self.rotate(v0, 32)
        v2 &+= v3
        v3 = Self.rotate(v3, 16) ^ v2
        v0 &+= v3
        v3 = Self.rotate(v3, 21) ^ v0
        v2 &+= v1
        v1 = Self.rotate(v1, 17) ^ v2
        v2 = Self.rotate(v2, 32)
    }

    private static func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 {
        word << bits | word >> (64 - bits)
    }
}
