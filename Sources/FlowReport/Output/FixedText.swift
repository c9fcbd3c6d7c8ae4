// SPDX-License-Identifier: Apache-2.0

/// A short text of ours that stands in every row, out of reach of `String`'s bookkeeping: names of
/// members are most of what a million JSON objects consist of.
struct FixedText {
    private static let capacity = 32

    fileprivate var bytes = InlineArray<32, UInt8>(repeating: 0)
    fileprivate let count: Int

    /// At most 32 bytes.
    init(_ text: String) {
        count = text.utf8.count
        precondition(count <= Self.capacity, "\(text) is longer than a fixed text may be")
        for (index, byte) in text.utf8.enumerated() { bytes[index] = byte }
    }
}

extension OutputSpan<UInt8> {
    /// Appends all 32 bytes, which the compiler makes a single copy, and takes back what is no text.
    mutating func append(_ text: borrowing FixedText) {
        let start = count
        append(repeating: 0, count: 32)
        var room = mutableSpan
        for index in 0..<32 { room[start &+ index] = text.bytes[index] }
        removeLast(32 - text.count)
    }
}
