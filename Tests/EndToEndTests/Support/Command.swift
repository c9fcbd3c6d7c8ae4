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
    /// The process id. Stays a zombie, and so ours, until it is waited for.
    let identifier: Int32
    private let folder: URL
    /// What waitpid(2) said; nil while it runs.
    private let ended = Mutex<Int32?>(nil)

    /// Starts `arguments[0]`, looked up in PATH, with `input` as its standard input.
    ///
    /// posix_spawn(3) and not Foundation's `Process`, which kept descriptors and crashed after some
    /// hundreds of them (seen with Swift 6.3).
    init(_ arguments: [String], input: String = "") throws {
        self.arguments = arguments
        folder = FileManager.default.temporaryDirectory.appending(path: "e2e-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, content) in [("in", input), ("out", ""), ("err", "")] {
            try Data(content.utf8).write(to: folder.appending(path: name))
        }
        identifier = try Self.spawn(arguments, folder.path)
    }

    private static func spawn(_ arguments: [String], _ folder: String) throws -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        var all = sigset_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, folder + "/in", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, folder + "/out", O_WRONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, folder + "/err", O_WRONLY, 0)
        // The threads of Swift's pool block all signals: a child would not hear SIGTERM.
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var pointers = unsafe arguments.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        var identifier: Int32 = 0
        let result = unsafe posix_spawnp(
            &identifier, arguments[0], &actions, &attributes, pointers, environ)
        guard result == 0 else {
            throw Failure(description: "cannot start \(arguments[0]): error \(result)")
        }
        return identifier
    }

    deinit {
        if isRunning {
            kill(identifier, SIGKILL)
            waitpid(identifier, nil, 0)
        }
        try? FileManager.default.removeItem(at: folder)
    }

    var isRunning: Bool { status == nil }

    private var status: Int32? {
        ended.withLock { ended in
            if ended == nil {
                var status: Int32 = 0
                if unsafe waitpid(identifier, &status, WNOHANG) == identifier { ended = status }
            }
            return ended
        }
    }

    /// What it has printed so far.
    var printed: Output {
        Output(status: 0, text: content("out"), errors: content("err"))
    }

    func send(_ signal: Int32) {
        if isRunning { kill(identifier, signal) }
    }

    /// Waits until it ends; kills it and throws when it takes longer than `limit`.
    @discardableResult
    func wait(_ limit: Duration = .seconds(60)) async throws -> Output {
        let ended = await isTrue(within: limit) { !self.isRunning }
        guard ended else {
            send(SIGKILL)
            throw Failure(
                description: "still running after \(limit): \(arguments.joined(separator: " "))"
                    + "\n\(printed)")
        }
        return finished
    }

    private var finished: Output {
        let status = status ?? 0
        // As in wait(2): the low seven bits are the signal.
        let signal = status & 0x7f
        return Output(
            status: signal != 0 ? 128 + signal : status >> 8 & 0xff, text: content("out"),
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
        while command.isRunning { usleep(2000) }
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
