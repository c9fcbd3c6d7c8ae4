// SPDX-License-Identifier: Apache-2.0

/// Fields of a packet, in network byte order.
extension [UInt8] {
    func half(_ at: Int) -> UInt16 { UInt16(self[at]) << 8 | UInt16(self[at + 1]) }

    func word(_ at: Int) -> UInt32 { UInt32(half(at)) << 16 | UInt32(half(at + 2)) }

    func address(_ at: Int) -> Address {
        Address(
            high: UInt64(word(at)) << 32 | UInt64(word(at + 4)),
            low: UInt64(word(at + 8)) << 32 | UInt64(word(at + 12)))
    }

    mutating func put(_ value: UInt16, at: Int) {
        self[at] = UInt8(value >> 8)
        self[at + 1] = UInt8(truncatingIfNeeded: value)
    }

    mutating func put(_ value: UInt32, at: Int) {
        put(UInt16(value >> 16), at: at)
        put(UInt16(truncatingIfNeeded: value), at: at + 2)
    }

    mutating func put(_ value: Address, at: Int) {
        put(UInt32(value.high >> 32), at: at)
        put(UInt32(truncatingIfNeeded: value.high), at: at + 4)
        put(UInt32(value.low >> 32), at: at + 8)
        put(UInt32(truncatingIfNeeded: value.low), at: at + 12)
    }

    mutating func put(_ bytes: [UInt8], at: Int) {
        for index in bytes.indices { self[at + index] = bytes[index] }
    }
}

/// A sum of 16-bit words, whole: nothing is carried around before the end (RFC 1071).
struct WordSum {
    private(set) var total: UInt64 = 0

    mutating func add(_ word: UInt16) { total += UInt64(word) }

    mutating func add(_ word: UInt32) {
        add(UInt16(word >> 16))
        add(UInt16(truncatingIfNeeded: word))
    }

    mutating func add(_ address: Address) {
        for shift in [48, 32, 16, 0] as [UInt64] {
            add(UInt16(truncatingIfNeeded: address.high >> shift))
            add(UInt16(truncatingIfNeeded: address.low >> shift))
        }
    }

    /// An odd last byte is a word with zero behind it.
    mutating func add(_ bytes: [UInt8], _ range: Range<Int>) {
        var at = range.lowerBound
        while at + 1 < range.upperBound {
            total += UInt64(bytes.half(at))
            at += 2
        }
        if at < range.upperBound { add(UInt16(bytes[at]) << 8) }
    }

    /// The one's complement sum; of its two zeros the one with all bits set.
    var folded: UInt16 {
        let rest = total % 0xffff
        return rest == 0 ? 0xffff : UInt16(rest)
    }

    /// What a checksum field over these words says when it is right.
    var checksum: UInt16 { ~folded }

    /// What a checksum field says after its words changed from `before` to these.
    ///
    /// A field that was right is summed anew from all words. A wrong one must stay wrong by as
    /// much (RFC 1624): whoever damaged the packet, the receiver and not we finds out.
    func checksum(replacing before: WordSum, was field: UInt16) -> UInt16 {
        if before.checksum == field { return checksum }
        let error = (before.total + UInt64(field)) % 0xffff
        let rest = (total + 0xffff - error) % 0xffff
        return rest == 0 ? 0 : ~UInt16(rest)
    }
}
