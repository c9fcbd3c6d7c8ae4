// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelSockets
import Logging
import Synchronization

/// Where an instance's daemon can be asked for something.
func controlPath(instance: String) -> String { "/run/sluice/\(instance).sock" }

/// The thread that answers the verbs of the command line on a Unix socket of root's, and that does
/// later what was ordered for later.
final class ControlServer: Sendable {
    private static let requestLimit = 65536

    private let listener: LocalListener
    private let epoll: Epoll
    private let desk: EndpointDesk
    /// Has the configuration read again; the answer is what is wrong with it.
    private let reload: @Sendable () -> String?
    private let logger: Logger
    private let thread: BelledThread

    /// Starts the thread.
    init(
        instance: String, _ desk: EndpointDesk, _ logger: Logger,
        reload: @escaping @Sendable () -> String?
    ) throws {
        let path = controlPath(instance: instance)
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true)
        listener = try LocalListener(path: path)
        thread = try BelledThread()
        epoll = try Epoll()
        try epoll.add(listener, token: 0)
        try epoll.add(thread.bell, token: 1)
        self.desk = desk
        self.logger = logger
        self.reload = reload
        try thread.start(name: "control") { [self] in run() }
    }

    /// Ends the thread and waits for it.
    func stop() { thread.stop() }

    private func run() {
        var events = [Epoll.Event(), Epoll.Event()]
        while !thread.isStopping {
            let now = MonotonicClock.nanoseconds
            let next = desk.work(now: now)
            let timeout = next.map { Duration.nanoseconds($0 - min($0, now)) }
            // Only a bug of ours (a closed descriptor) can bring an error about.
            guard (try? epoll.wait(&events, timeout: timeout)) != nil else { return }
            do {
                while let connection = try listener.accept() { serve(connection) }
            } catch {
                // They still wait, so that the next round would come at once.
                Thread.sleep(forTimeInterval: 0.1)
            }
        }
    }

    private func serve(_ connection: consuming LocalConnection) {
        let user = connection.peerUser
        var reply: ControlReply
        do {
            let line = try connection.readLine(limit: Self.requestLimit)
            reply = answer(line, user: user)
        } catch {
            reply = ControlReply(error: "\(error)")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let text = try? encoder.encode(reply) else { return }
        // Who does not wait for the answer does not want it.
        try? connection.writeLine([UInt8](text))
    }

    private func answer(_ line: [UInt8], user: UInt32?) -> ControlReply {
        guard let request = try? JSONDecoder().decode(ControlRequest.self, from: Data(line)) else {
            return ControlReply(error: "the request is none that this version of sluice knows")
        }
        do {
            switch request.verb {
            case .endpoints:
                return ControlReply(clusters: try desk.view(cluster: request.cluster))
            case .set:
                return ControlReply(clusters: try desk.set(request, user: user))
            case .reload:
                logger.info(
                    "reload asked for", metadata: ["uid": "\(user.map(String.init) ?? "unknown")"])
                return ControlReply(error: reload())
            }
        } catch {
            return ControlReply(error: "\(error)")
        }
    }
}

/// Has the main thread reload, and waits for what it says.
final class ReloadDesk: Sendable {
    private struct State {
        var waiting: [@Sendable (String?) -> Void] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Returns what is wrong with the configuration; nil: it is in force. Not on the main thread.
    func reload() -> String? {
        let done = DispatchSemaphore(value: 0)
        let answer = Mutex<String?>(nil)
        let isOpen = state.withLock { state in
            state.waiting.append { error in
                answer.withLock { $0 = error }
                done.signal()
            }
            return !state.isClosed
        }
        guard isOpen else { return "the daemon is about to end" }
        DaemonSignal.askToReload()
        guard done.wait(timeout: .now() + 60) == .success else {
            return "the daemon did not come to it within 60 seconds; see its log"
        }
        return answer.withLock { $0 }
    }

    /// Those who asked for a reload so far; each is to be told what came of it.
    func takeAskers() -> [@Sendable (String?) -> Void] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// The main thread will not reload any more.
    func close() {
        state.withLock { $0.isClosed = true }
        for tell in takeAskers() { tell("the daemon is about to end") }
    }
}
