// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// A process that was started, and the files that take what it prints.
final class Command: Sendable {
    /// What a finished process left.
    struct Output: Sendable, CustomStringConvertible {
        /// The exit status, or 128 and the signal.
        var status: Int32
        var text: String
        var errors: String

        var isSuccess: Bool { status == 0 }
        var description: String { "status \(status)\n\(text)\(errors)" }
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let arguments: [String]
    private let process: Process
    private let folder: URL

    /// Starts `arguments[0]`, looked up in PATH, with `input` as its standard input.
    init(_ arguments: [String], input: String = "") throws {
        self.arguments = arguments
        process = Process()
        folder = FileManager.default.temporaryDirectory.appending(path: "e2e-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, content) in [("in", input), ("out", ""), ("err", "")] {
            try Data(content.utf8).write(to: folder.appending(path: name))
        }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: folder.appending(path: "in"))
        process.standardOutput = try FileHandle(forWritingTo: folder.appending(path: "out"))
        process.standardError = try FileHandle(forWritingTo: folder.appending(path: "err"))
        try Self.withNoSignalBlocked { try process.run() }
    }

    /// A child inherits the mask of the thread that starts it, and the threads of Swift's pool block
    /// all signals: a child of theirs would not hear SIGTERM.
    private static func withNoSignalBlocked(_ body: () throws -> Void) rethrows {
        var none = sigset_t()
        var before = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    var identifier: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    /// What it has printed so far.
    var printed: Output {
        Output(status: 0, text: content("out"), errors: content("err"))
    }

    func send(_ signal: Int32) {
        if process.isRunning { kill(process.processIdentifier, signal) }
    }

    /// Waits until it ends; kills it and throws when it takes longer than `limit`.
    @discardableResult
    func wait(_ limit: Duration = .seconds(60)) async throws -> Output {
        let ended = await isTrue(within: limit) { !self.process.isRunning }
        guard ended else {
            kill(process.processIdentifier, SIGKILL)
            throw Failure(
                description: "still running after \(limit): \(arguments.joined(separator: " "))"
                    + "\n\(printed)")
        }
        return finished
    }

    private var finished: Output {
        let signalled = process.terminationReason == .uncaughtSignal
        let status = process.terminationStatus
        return Output(
            status: signalled ? 128 + status : status, text: content("out"),
            errors: content("err"))
    }

    private func content(_ name: String) -> String {
        let data = try? Data(contentsOf: folder.appending(path: name))
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    static func run(
        _ arguments: [String], input: String = "", limit: Duration = .seconds(60)
    ) async throws -> Output {
        try await Command(arguments, input: input).wait(limit)
    }

    /// For the few places that cannot suspend.
    static func runBlocking(_ arguments: [String]) throws -> Output {
        let command = try Command(arguments)
        command.process.waitUntilExit()
        return command.finished
    }
}

/// Asks every 5 ms until the answer is yes or the time is over.
func isTrue(
    within limit: Duration, _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let end = ContinuousClock.now + limit
    while true {
        if try await condition() { return true }
        guard ContinuousClock.now < end else { return false }
        try? await Task.sleep(for: .milliseconds(5))
    }
}
