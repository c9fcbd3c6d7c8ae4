// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelSockets
import Logging
import Synchronization

/// A thread that asks for a reload when one of some files was replaced or rewritten. A file that is
/// still open for writing is left alone: its writer is not done.
final class FileFollower: Sendable {
    /// From a change to the reload: files that are changed together make one.
    private static let patience = Duration.milliseconds(100)

    let files: [String]
    private let events: FileEvents
    private let bell: EventCounter
    private let epoll: Epoll
    private let isStopping = Atomic<Bool>(false)
    private let logger: Logger
    private let thread = Mutex<KernelThread?>(nil)

    /// Starts the thread. What changed before is not noticed.
    init(_ files: [String], _ logger: Logger) throws {
        self.files = files
        self.logger = logger
        events = try FileEvents(directories: Set(files.map(Self.directory(of:))))
        bell = try EventCounter()
        epoll = try Epoll()
        try epoll.add(events, token: 0)
        try epoll.add(bell, token: 1)
        var running: KernelThread? = try KernelThread(name: "files") { [self] in
            do {
                try run()
            } catch {
                logger.critical(
                    "cannot follow files any more; SIGHUP still reloads",
                    metadata: ["error": "\(error)"])
            }
        }
        thread.withLock { $0 = running.take() }
    }

    /// Ends the thread and waits for it.
    func stop() {
        isStopping.store(true, ordering: .relaxed)
        bell.signal()
        guard let running = thread.withLock({ $0.take() }) else { return }
        running.join()
    }

    private func run() throws {
        var ready = [Epoll.Event(), Epoll.Event()]
        var isDue = false
        while !isStopping.load(ordering: .relaxed) {
            let count = try epoll.wait(&ready, timeout: isDue ? Self.patience : nil)
            if isDue, count == 0 {
                isDue = false
                DaemonSignal.askToReload()
                continue
            }
            let told = try events.read()
            if told.map({ $0.contains(where: concerns) }) ?? true { isDue = true }
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
