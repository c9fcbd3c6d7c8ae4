// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import KernelSockets
import Logging
import Settings
import Synchronization

/// Lines for people: time, level, message, facts.
struct HumanLogHandler: LogHandler {
    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { write(event, as: line) }

    private func line(_ event: LogEvent) -> String? {
        let facts = metadata.merging(event.metadata ?? [:]) { $1 }
            .sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return ([timestamp(), event.level.rawValue, "\(event.message)"] + facts)
            .joined(separator: " ")
    }
}

/// One JSON object a line.
struct JSONLogHandler: LogHandler {
    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { write(event, as: line) }

    private func line(_ event: LogEvent) -> String? {
        var fields = metadata.merging(event.metadata ?? [:]) { $1 }.mapValues { "\($0)" }
        fields["time"] = timestamp()
        fields["level"] = event.level.rawValue
        fields["message"] = "\(event.message)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// The logger of the daemon; lines go to standard error.
func makeLogger(_ settings: LogSettings) -> Logger {
    let isJSON = settings.format == .json
    var logger = Logger(label: "sluice") { _ -> any LogHandler in
        if isJSON { return JSONLogHandler() }
        return HumanLogHandler()
    }
    logger.logLevel = Logger.Level(rawValue: settings.level.rawValue) ?? .info
    return logger
}

private func timestamp() -> String {
    Date.now.formatted(.iso8601.time(includingFractionalSeconds: true))
}

/// Standard error, shared by all threads.
///
/// Nobody's connection is worth a line: one that cannot be written is lost. A full disk fails at
/// once; for a reader that does not read, a thread waits once, and the lines after that are dropped
/// until the reader reads again, and is told how many it missed.
private struct LogOutput: ~Copyable {
    private static let patience = Duration.milliseconds(100)

    private let file = try? LogFile.standardError(waits: false)
    private var lost = 0
    /// A reader stopped in the middle of a line.
    private var isTorn = false

    mutating func write(_ line: String, _ tellLost: (Int) -> String?) {
        guard isWritable(within: lost == 0 ? Self.patience : .zero) else { return lost += 1 }
        if lost > 0, let notice = tellLost(lost) {
            guard append(notice) else { return lost += 1 }
            lost = 0
        }
        if !append(line) { lost += 1 }
    }

    private func isWritable(within time: Duration) -> Bool {
        switch file {
        case .some(let file): file.isWritable(within: time)
        case nil: false
        }
    }

    /// In pieces that a pipe takes whole. False: not all of it was taken.
    private mutating func append(_ line: String) -> Bool {
        let bytes = Array(((isTorn ? "\n" : "") + line + "\n").utf8)
        var written = 0
        var vain = 0
        // Another writer may fill the pipe in between.
        while written < bytes.count, vain < 3, isWritable(within: Self.patience) {
            let piece = bytes[written..<min(written + Int(PIPE_BUF), bytes.count)]
            guard let count = take(piece) else { break }
            vain = count == 0 ? vain + 1 : 0
            written += count
        }
        if written > 0 { isTorn = written < bytes.count }
        return written == bytes.count
    }

    /// How many bytes were written; nil: it cannot be.
    private func take(_ bytes: ArraySlice<UInt8>) -> Int? {
        switch file {
        case .some(let file): try? file.write(bytes.span)
        case nil: nil
        }
    }
}

private let output = Mutex(LogOutput())

private func write(_ event: LogEvent, as text: (LogEvent) -> String?) {
    guard let line = text(event) else { return }
    output.withLock {
        $0.write(line) { count in
            var notice = event
            notice.level = .warning
            notice.message = "lines before this one are lost: nobody read them"
            notice.metadata = ["lines": "\(count)"]
            return text(notice)
        }
    }
}
