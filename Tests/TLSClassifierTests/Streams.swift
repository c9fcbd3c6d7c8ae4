// SPDX-License-Identifier: Apache-2.0

import TLSClassifier

/// Reads `bytes` in one piece.
func classify(_ bytes: [UInt8], limit: Int = 16384) -> Classification {
    var reader = ClientHelloReader(limit: limit)
    return reader.read(bytes.span)
}

/// Reads `bytes` in pieces whose sizes `next` chooses.
func classify(_ bytes: [UInt8], limit: Int = 16384, pieces next: () -> Int) -> Classification {
    var reader = ClientHelloReader(limit: limit)
    var answer = Classification.needsMore
    var start = 0
    while start < bytes.count {
        let end = min(start + max(1, next()), bytes.count)
        answer = reader.read(bytes.span.extracting(start..<end))
        start = end
    }
    return answer
}

/// Reads `bytes` one at a time.
func classifyByteByByte(_ bytes: [UInt8], limit: Int = 16384) -> Classification {
    classify(bytes, limit: limit) { 1 }
}

/// `message` as a stream of handshake records of at most `size` bytes.
func records(_ message: [UInt8], of size: Int) -> [UInt8] {
    var stream: [UInt8] = []
    for start in stride(from: 0, to: message.count, by: size) {
        let fragment = message[start..<min(start + size, message.count)]
        stream += [22, 3, 1] + bigEndian(fragment.count) + fragment
    }
    return stream
}

/// A number of two bytes.
func bigEndian(_ number: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
}

/// `bytes` behind a length of two bytes.
func vector16(_ bytes: [UInt8]) -> [UInt8] { bigEndian(bytes.count) + bytes }

/// `bytes` behind a length of one byte.
func vector8(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count)] + bytes }

/// The same numbers for the same seed (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
