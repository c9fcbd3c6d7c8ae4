// SPDX-License-Identifier: Apache-2.0

public import WireTypes

extension [UInt8] {
    /// Appends bytes by one copy of memory; a loop over them takes a nanosecond each.
    public mutating func append(copying bytes: Span<UInt8>) {
        // Borrowed for the call; the array copies them.
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}

extension InternetChecksum {
    /// Adds bytes eight at a time; otherwise as ``add(_:)-(Span<UInt8>)``, and must begin at an even
    /// offset of the sum.
    public mutating func add(words bytes: Span<UInt8>) {
        let whole = bytes.count & ~7
        var low: UInt64 = 0
        var high: UInt64 = 0
        unsafe bytes.withUnsafeBytes { memory in
            var at = 0
            while at < whole {
                // at + 8 <= whole <= count, any alignment.
                let word = unsafe memory.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                    .bigEndian
                low &+= word & 0xffff_ffff
                high &+= word >> 32
                at += 8
            }
        }
        // A sum of words of any width is congruent to that of their halves (RFC 1071 §2).
        add(UInt32(truncatingIfNeeded: low))
        add(UInt32(truncatingIfNeeded: low >> 32))
        add(UInt32(truncatingIfNeeded: high))
        add(UInt32(truncatingIfNeeded: high >> 32))
        add(bytes.extracting(whole..<bytes.count))
    }
}
