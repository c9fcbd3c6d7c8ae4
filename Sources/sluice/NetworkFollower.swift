// SPDX-License-Identifier: Apache-2.0

import KernelSockets
import Logging
import Settings
import Synchronization

/// A thread that hears of changes to interfaces, addresses and routes, and has them followed.
///
/// Programs are attached at once. Addresses and routes change many at a time: what they come to is
/// looked at when the first change is 100 ms old, and so ten times a second at most.
final class NetworkFollower: Sendable {
    private static let patience: UInt64 = 100_000_000
    /// Until an interface is tried again that could not be attached to.
    private static let retry: UInt64 = 1_000_000_000

    private let events: NetworkEvents
    private let epoll: Epoll
    private let state: Mutex<State>
    private let logger: Logger
    private let thread: BelledThread

    private struct State: Sendable {
        var interfaces: FollowedInterfaces?
        var ways: FollowedWays
    }

    /// Hears what changes from now on. `interfaces`: nil when nothing can be attached.
    init(_ interfaces: FollowedInterfaces?, _ ways: FollowedWays, _ logger: Logger) throws {
        state = Mutex(State(interfaces: interfaces, ways: ways))
        self.logger = logger
        events = try NetworkEvents()
        thread = try BelledThread()
        epoll = try Epoll()
        try epoll.add(events, token: 0)
        try epoll.add(thread.bell, token: 1)
    }

    /// Starts the thread.
    func start() throws {
        try thread.start(name: "network") { [self] in
            do {
                try run()
            } catch {
                logger.critical(
                    "cannot follow interfaces and routes any more", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Calls `body` while nothing else is looked at, with the interfaces as they are now.
    func change(
        _ body: (inout FollowedWays, [NetworkInterface], [InterfaceSelector]) throws -> Void
    ) throws {
        try state.withLock { state in
            try body(
                &state.ways, state.interfaces?.interfaces ?? [],
                state.interfaces?.selectors ?? [])
        }
    }

    /// Ends the thread and waits for it.
    func stop() { thread.stop() }

    private func run() throws {
        var ready = [Epoll.Event(), Epoll.Event()]
        // What changed between the daemon's own look and `init` was told to nobody.
        var due: UInt64? = MonotonicClock.nanoseconds
        while !thread.isStopping {
            let now = MonotonicClock.nanoseconds
            if let time = due, time <= now {
                due = look() ? nil : now + Self.retry
            }
            let timeout = due.map { Duration.nanoseconds($0 - min($0, now)) }
            _ = try epoll.wait(&ready, timeout: timeout)
            let changes = try events.read()
            if changes.isEmpty { continue }
            if changes.contains(.links) { state.withLock { $0.interfaces?.look() } }
            let soon = MonotonicClock.nanoseconds + Self.patience
            due = min(due ?? soon, soon)
        }
    }

    /// False: again soon.
    private func look() -> Bool {
        state.withLock { state in
            state.interfaces?.look()
            state.ways.look(
                state.interfaces?.interfaces ?? [], selectors: state.interfaces?.selectors ?? [])
            return state.interfaces?.isIncomplete != true
        }
    }
}
