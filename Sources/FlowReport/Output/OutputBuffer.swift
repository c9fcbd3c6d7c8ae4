// SPDX-License-Identifier: Apache-2.0

/// Takes bytes of a report as they become ready, a large piece at a time.
public typealias ReportSink = @Sendable ([UInt8]) throws -> Void

/// Bytes on their way to a sink, handed over in pieces of at least 64 KiB.
///
/// A million rows are written through it, so nothing here makes a `String` or asks a formatter: a
/// row is appended by hand to an `OutputSpan`, which costs a comparison a byte.
struct OutputBuffer: ~Copyable, Sendable {
    private static let pieceSize = 64 * 1024

    private var bytes: [UInt8] = []
    private let sink: ReportSink

    init(sink: @escaping ReportSink) {
        self.sink = sink
        bytes.reserveCapacity(2 * Self.pieceSize)
    }

    /// Lets `body` append at most `limit` bytes, and hands over what is worth a system call.
    mutating func write(atMost limit: Int, _ body: (inout OutputSpan<UInt8>) -> Void) throws {
        bytes.append(addingCapacity: limit, initializingWith: body)
        if bytes.count >= Self.pieceSize { try flush() }
    }

    mutating func flush() throws {
        guard !bytes.isEmpty else { return }
        try sink(bytes)
        bytes.removeAll(keepingCapacity: true)
    }
}
