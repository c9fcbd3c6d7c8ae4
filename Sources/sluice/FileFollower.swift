// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelSockets
import Logging
import Synchronization

/// A thread that asks for a reload when one of some files was replaced or rewritten. A file that is
/// still open for writing is left alone: its writer is not done.
final class FileFollower: Sendable {
    /// From a change to the reload: files that are changed together make one.
    private static let patience: UInt64 = 100_000_000

    let files: [String]
    private let events: FileEvents
    private let epoll: Epoll
    /// Whether a change was seen and not told yet.
    private let isDue = Atomic<Bool>(false)
    private let logger: Logger
    private let thread: BelledThread

    /// Starts the thread. What changed before is not noticed.
    init(_ files: [String], _ logger: Logger) throws {
        self.files = files
        self.logger = logger
        events = try FileEvents(directories: Set(files.map(Self.directory(of:))))
        thread = try BelledThread()
        epoll = try Epoll()
        try epoll.add(events, token: 0)
        try epoll.add(thread.bell, token: 1)
        try thread.start(name: "files") { [self] in
            do {
                try run()
            } catch {
                logger.critical(
                    "cannot follow files any more; SIGHUP still reloads",
                    metadata: ["error": "\(error)"])
            }
        }
    }

    /// Ends the thread and waits for it. True: a change was seen, and nobody was told yet.
    func stop() -> Bool {
        thread.stop()
        return isDue.load(ordering: .acquiring)
    }

    private func run() throws {
        var ready = [Epoll.Event(), Epoll.Event()]
        var due: UInt64?
        while !thread.isStopping {
            let now = MonotonicClock.nanoseconds
            if let time = due, time <= now {
                due = nil
                isDue.store(false, ordering: .releasing)
                DaemonSignal.askToReload()
            }
            let timeout = due.map { Duration.nanoseconds($0 - min($0, now)) }
            _ = try epoll.wait(&ready, timeout: timeout)
            let told = try events.read()
            guard due == nil, told.map({ $0.contains(where: concerns) }) ?? true else { continue }
            due = MonotonicClock.nanoseconds + Self.patience
            isDue.store(true, ordering: .releasing)
        }
    }

    /// Kubernetes and the like replace a link on the way to the file, not the file.
    private func concerns(_ event: FileEvents.Event) -> Bool {
        files.contains { file in
            (file as NSString).lastPathComponent == event.name
                || event.isRename && Self.isLink(file)
        }
    }

    private static func isLink(_ file: String) -> Bool {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: file)) != nil
    }

    private static func directory(of file: String) -> String {
        let directory = (file as NSString).deletingLastPathComponent
        return directory.isEmpty ? "." : directory
    }
}
