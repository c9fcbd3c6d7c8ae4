// SPDX-License-Identifier: Apache-2.0

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// A number below `bound`.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// True once in `count` times.
    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    mutating func word() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
    mutating func half() -> UInt16 { UInt16(truncatingIfNeeded: next()) }
    mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }

    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }

    /// A number about `center`, or the other end of the circle, or any.
    mutating func near(_ center: UInt32) -> UInt32 {
        switch below(8) {
        case 0: center
        case 1: center &+ 1
        case 2: center &- 1
        case 3: center &+ UInt32(below(3000))
        case 4: center &- UInt32(below(3000))
        case 5: center &+ 0x8000_0000 &+ UInt32(below(3)) &- 1
        case 6: center &+ 1 << 30 &+ UInt32(below(3)) &- 1
        default: word()
        }
    }
}
