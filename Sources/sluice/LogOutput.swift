// SPDX-License-Identifier: Apache-2.0

import Foundation
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

    func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { $1 }
            .sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let line = ([timestamp(), event.level.rawValue, "\(event.message)"] + facts)
            .joined(separator: " ")
        write(line)
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

    func log(event: LogEvent) {
        var fields = metadata.merging(event.metadata ?? [:]) { $1 }.mapValues { "\($0)" }
        fields["time"] = timestamp()
        fields["level"] = event.level.rawValue
        fields["message"] = "\(event.message)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(fields) else { return }
        write(String(decoding: data, as: UTF8.self))
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

private let output = Mutex(FileHandle.standardError)

/// A line that cannot be written is lost: a full disk or a reader that went must not end anybody's
/// connections.
private func write(_ line: String) {
    output.withLock { try? $0.write(contentsOf: Data((line + "\n").utf8)) }
}
