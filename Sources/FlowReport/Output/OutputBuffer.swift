// SPDX-License-Identifier: Apache-2.0

/// Takes bytes of a report as they become ready, a large piece at a time.
public typealias ReportSink = ([UInt8]) throws -> Void

/// Bytes on their way to a sink: appended by hand, handed over in pieces of at least 64 KiB.
///
/// A million rows are written through it, so nothing here makes a `String` or asks a formatter.
struct OutputBuffer: ~Copyable {
    private static let pieceSize = 64 * 1024

    private(set) var bytes: [UInt8] = []
    private let sink: ReportSink

    init(sink: @escaping ReportSink) {
        self.sink = sink
        // A row never outgrows the spare half, so the array is allocated once.
        bytes.reserveCapacity(2 * Self.pieceSize)
    }

    /// Where the next byte goes, counted from the last flush.
    var position: Int { bytes.count }

    mutating func append(_ byte: UInt8) {
        bytes.append(byte)
    }

    /// Appends text as it is: for our own words, not for a stranger's.
    mutating func append(literal text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    mutating func append(_ text: [UInt8]) {
        bytes.append(contentsOf: text)
    }

    mutating func append(spaces count: Int) {
        for _ in 0..<max(count, 0) { bytes.append(UInt8(ascii: " ")) }
    }

    /// Puts spaces in front of what was written since `start`, until it fills `width`.
    mutating func alignRight(from start: Int, width: Int) {
        let length = bytes.count - start
        guard length < width else { return }
        append(spaces: width - length)
        for offset in 1...width {
            let from = length - offset
            bytes[start + width - offset] = from >= 0 ? bytes[start + from] : UInt8(ascii: " ")
        }
    }

    /// Cuts out what was written since `start` so that it fills `width` columns, `tail` of them the
    /// end of the text.
    mutating func elide(from start: Int, width: Int, tail: Int) {
        let tail = min(tail, max(width - 1, 0))
        let head = max(width - 1 - tail, 0)
        let cut = (start + head)..<(bytes.count - tail)
        bytes.replaceSubrange(cut, with: "…".utf8)
    }

    /// Takes back what was written since `start`.
    mutating func discard(from start: Int) {
        bytes.removeLast(bytes.count - start)
    }

    /// Hands over what is there when it is worth a system call.
    mutating func flushIfLarge() throws {
        if bytes.count >= Self.pieceSize { try flush() }
    }

    mutating func flush() throws {
        guard !bytes.isEmpty else { return }
        try sink(bytes)
        bytes.removeAll(keepingCapacity: true)
    }
}
