// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelSockets
import Logging
import Settings

/// A thread that asks for a reload when one of some files was replaced or rewritten, or a link or
/// directory on the way to it. A file that is still open for writing is left alone: its writer is not
/// done.
final class FileFollower: Sendable {
    /// From a change to the reload: files that are changed together make one.
    private static let patience: UInt64 = 100_000_000

    private let files: [FileVersion]
    private let steps: Set<FileTrail.Step>
    private let events: FileEvents
    private let epoll: Epoll
    private let logger: Logger
    private let thread: BelledThread

    /// Starts the thread. What changed since the files were read is noticed.
    init(_ files: [FileVersion], _ logger: Logger) throws {
        self.files = files
        self.logger = logger
        steps = files.reduce(into: []) { $0.formUnion(FileTrail(to: $1.path).steps) }
        events = try FileEvents(directories: Set(steps.map(\.directory)))
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

    /// Ends the thread and waits for it.
    func stop() { thread.stop() }

    private func run() throws {
        var ready = [Epoll.Event(), Epoll.Event()]
        var due: UInt64?
        if !files.allSatisfy(\.isCurrent) { due = MonotonicClock.nanoseconds + Self.patience }
        while !thread.isStopping {
            let now = MonotonicClock.nanoseconds
            if let time = due, time <= now {
                due = nil
                DaemonSignal.askToReload()
            }
            let timeout = due.map { Duration.nanoseconds($0 - min($0, now)) }
            _ = try epoll.wait(&ready, timeout: timeout)
            let told = try events.read()
            guard due == nil, told.map({ $0.contains(where: concerns) }) ?? true else { continue }
            due = MonotonicClock.nanoseconds + Self.patience
        }
    }

    /// Of what is made new, directories and links are whole at once; a file is when it was written.
    private func concerns(_ event: FileEvents.Event) -> Bool {
        guard steps.contains(event.place) else { return false }
        guard case .made(let isDirectory) = event.change else { return true }
        return isDirectory
            || (try? FileManager.default.destinationOfSymbolicLink(atPath: event.place.path)) != nil
    }
}
