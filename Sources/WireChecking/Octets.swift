// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WireTypes

/// Reading of packets. Bytes are compared and summed in long steps: captures are large, and tests
/// are built without optimisation.
extension [UInt8] {
    /// Two bytes in host order; the caller knows that they are there.
    func half(_ at: Int) -> UInt16 { UInt16(self[at]) << 8 | UInt16(self[at + 1]) }

    /// Four bytes in host order.
    func word(_ at: Int) -> UInt32 { UInt32(half(at)) << 16 | UInt32(half(at + 2)) }

    func ipv4Address(_ at: Int) -> IPAddress { IPAddress(v4: word(at)) }

    func ipv6Address(_ at: Int) -> IPAddress {
        IPAddress(
            high: UInt64(word(at)) << 32 | UInt64(word(at + 4)),
            low: UInt64(word(at + 8)) << 32 | UInt64(word(at + 12)))
    }

    /// Whether `count` bytes from `at` are those of `other` from `start`.
    func matches(_ at: Int, _ other: [UInt8], _ start: Int, count: Int) -> Bool {
        precondition(at >= 0 && start >= 0 && at + count <= self.count)
        precondition(start + count <= other.count)
        if count == 0 { return true }
        return unsafe withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else {
                    return false
                }
                // Within both arrays, by the preconditions.
                return unsafe memcmp(left + at, right + start, count) == 0
            }
        }
    }

    /// The one's complement sum of a range, folded, host order (RFC 1071).
    func sum(_ range: Range<Int>) -> UInt16 {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var total: UInt64 = 0
        unsafe withUnsafeBytes { bytes in
            var at = range.lowerBound
            while at + 8 <= range.upperBound {
                // Within the array, by the precondition.
                let word = unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                total &+= (word & 0xffff_ffff) &+ (word >> 32)
                at += 8
            }
            var shift: UInt64 = 0
            while at < range.upperBound {
                total &+= UInt64(unsafe bytes[at]) << shift
                shift = (shift + 8) & 15
                at += 1
            }
        }
        while total >> 16 != 0 { total = (total & 0xffff) + (total >> 16) }
        // The sum of words of the other byte order is the sum, swapped (RFC 1071 §2).
        return UInt16(total).bigEndian
    }
}
