// SPDX-License-Identifier: Apache-2.0

internal import KernelSockets
internal import Logging

/// Lines on their way into a file. Each is written whole, or what a file took of it is continued.
struct ConnectionWriter: ~Copyable {
    private var file: LogFile
    private var lines = JSONLine()
    /// How much of `lines` was written.
    private var written = 0
    init(_ file: consuming LogFile) { self.file = file }

    mutating func add(_ record: ConnectionRecord, _ format: ConnectionFormat) {
        format.append(record, to: &lines)
    }

    /// False: not everything was taken.
    mutating func flush() throws(SocketError) -> Bool {
        while written < lines.bytes.count {
            let count = try file.write(
                lines.bytes.span.extracting(written..<pieceEnd(from: written)))
            if count == 0 { return false }
            written += count
        }
        lines.removeAll()
        written = 0
        return true
    }

    /// Goes on in another file with the next whole line.
    mutating func use(_ other: consuming LogFile) throws(SocketError) {
        if written > 0, written < lines.bytes.count, lines.bytes[written - 1] != Self.newline {
            let end = lines.bytes[written...].firstIndex(of: Self.newline).map { $0 + 1 }
            let rest = written..<(end ?? lines.bytes.count)
            _ = try? file.write(lines.bytes.span.extracting(rest))
            written = rest.upperBound
        }
        file = other
    }

    /// As many whole lines as others cannot write into, at least one.
    private func pieceEnd(from start: Int) -> Int {
        let all = lines.bytes
        guard all.count - start > file.pieceLimit else { return all.count }
        let reach = all[start..<start + file.pieceLimit]
        if let last = reach.lastIndex(of: Self.newline) { return last + 1 }
        return all[start...].firstIndex(of: Self.newline).map { $0 + 1 } ?? all.count
    }

    private static let newline = UInt8(ascii: "\n")
}

/// What the daemon's own log hears of lines that were lost: not each of them.
struct Complaint {
    private static let pause: UInt64 = 10_000_000_000

    private var dropped = 0
    private var failure: SocketError?
    private var silentUntil: UInt64 = 0

    mutating func note(_ failure: SocketError?, dropped: Int, now: UInt64, _ logger: Logger) {
        self.dropped += dropped
        if let failure { self.failure = failure }
        guard now >= silentUntil, self.dropped > 0 || self.failure != nil else { return }
        var metadata: Logger.Metadata = ["dropped": "\(self.dropped)"]
        if let failure = self.failure { metadata["error"] = "\(failure)" }
        logger.warning("lines of the connection log are lost or late", metadata: metadata)
        self.dropped = 0
        self.failure = nil
        silentUntil = now + Self.pause
    }
}
