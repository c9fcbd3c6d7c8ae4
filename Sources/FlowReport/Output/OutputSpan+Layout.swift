// SPDX-License-Identifier: Apache-2.0

extension OutputSpan<UInt8> {
    /// Appends text as it is: for our own words, not for a stranger's.
    mutating func append(literal text: String) {
        let bytes = text.utf8Span.span
        for index in bytes.indices { append(bytes[index]) }
    }

    mutating func append(spaces count: Int) {
        if count > 0 { append(repeating: UInt8(ascii: " "), count: count) }
    }

    /// Puts spaces in front of what was written since `start`, until it fills `width`.
    mutating func alignRight(from start: Int, width: Int) {
        let length = count &- start
        let gap = width &- length
        guard gap > 0 else { return }
        append(spaces: gap)
        var index = length
        while index > 0 {
            index &-= 1
            self[start &+ gap &+ index] = self[start &+ index]
            // What was not moved over yet is space already, beyond the old text.
            if index < gap { self[start &+ index] = UInt8(ascii: " ") }
        }
    }

    /// Cuts out what was written since `start` so that it fills `width` columns, `tail` of them the
    /// end of the text. What is cut must be as long as `…`, or the text grows by two bytes.
    mutating func elide(from start: Int, width: Int, tail: Int) {
        let ellipsis: InlineArray<3, UInt8> = [0xe2, 0x80, 0xa6]
        let tail = Swift.min(tail, Swift.max(width - 1, 0))
        let head = start + Swift.max(width - 1 - tail, 0)
        var end = count - tail
        // Room for the three bytes: the tail moves right when less than that is cut.
        while end < head + ellipsis.count {
            append(UInt8(ascii: " "))
            for index in stride(from: count - 1, to: end, by: -1) { self[index] = self[index - 1] }
            end += 1
        }
        for index in ellipsis.indices { self[head + index] = ellipsis[index] }
        for index in 0..<tail { self[head + ellipsis.count + index] = self[end + index] }
        discard(from: head + ellipsis.count + tail)
    }

    /// Takes back what was written since `start`.
    mutating func discard(from start: Int) {
        removeLast(count - start)
    }
}
