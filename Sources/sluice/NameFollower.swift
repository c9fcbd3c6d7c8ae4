// SPDX-License-Identifier: Apache-2.0

import Balancing
import KernelSockets
import Logging
import NameResolving
import Settings
import Synchronization

/// Endpoints that are named: looked up at the start, and by a thread again and again as their TTL says.
/// When a name stands for others than before, the main thread is told; while nobody answers, what was
/// found last holds.
final class NameFollower: Sendable {
    private struct State {
        var book = NameBook()
        var logger: Logger?
    }

    private let lookup: NameLookup
    private let state = Mutex(State())
    private let thread: BelledThread
    private let epoll: Epoll

    /// Asks the server that the configuration names.
    init(_ configuration: Configuration) throws {
        lookup = NameLookup(server: configuration.resolver)
        thread = try BelledThread()
        epoll = try Epoll()
        try epoll.add(thread.bell, token: 0)
    }

    /// The configuration with the addresses of its names, which are followed from now on beside others.
    /// Blocks for those that are new.
    ///
    /// - Throws: ``Refusal`` when a cluster gets no endpoint.
    func resolve(_ configuration: Configuration) throws -> Configuration {
        let now = MonotonicClock.nanoseconds
        let new = state.withLock { state in
            let names = state.book.names.union(configuration.endpointNames)
            state.book.follow(names, now: now)
            return configuration.endpointNames.filter { state.book.addresses(of: $0).isEmpty }
        }
        for name in new.sorted() { _ = look(for: name) }
        thread.wake()
        let resolved = current(configuration)
        if let cluster = resolved.clusterWithoutEndpoints {
            let names = cluster.names.map(\.name).joined(separator: ", ")
            throw Refusal(
                "cluster \(cluster.name) has no endpoint: no address was found of \(names); check the "
                    + "name, and who is asked (the key `resolver`, or resolv.conf)")
        }
        return resolved
    }

    /// The configuration is in force: others' names are followed no more.
    func settle(on configuration: Configuration) {
        let now = MonotonicClock.nanoseconds
        state.withLock { $0.book.follow(configuration.endpointNames, now: now) }
    }

    /// The same without waiting, by what is known.
    func current(_ configuration: Configuration) -> Configuration {
        state.withLock { state in configuration.resolving { state.book.addresses(of: $0) } }
    }

    /// Starts the thread.
    func start(_ logger: Logger) throws {
        state.withLock { $0.logger = logger }
        try thread.start(name: "names") { [self] in run() }
    }

    /// Ends the thread and waits for it.
    func stop() { thread.stop() }

    private func run() {
        var events = [Epoll.Event()]
        while !thread.isStopping {
            let now = MonotonicClock.nanoseconds
            let (due, next) = state.withLock { ($0.book.due(now: now), $0.book.nextLook) }
            if due.isEmpty {
                let timeout = next.map { Duration.nanoseconds($0 - min($0, now)) }
                // Only a bug of ours (a closed descriptor) can bring an error about.
                guard let ready = try? epoll.wait(&events, timeout: timeout) else { return }
                if ready > 0 { thread.bell.clear() }
                continue
            }
            var isChanged = false
            for name in due where !thread.isStopping {
                if look(for: name) { isChanged = true }
            }
            if isChanged { DaemonSignal.askToLook() }
        }
    }

    /// True: it stands for others than before.
    private func look(for name: String) -> Bool {
        let answer = lookup.look(for: name)
        return state.withLock { state in
            let failed = state.book.failures(of: name)
            let isNew = state.book.addresses(of: name).isEmpty
            let isChanged = state.book.note(answer, of: name, now: MonotonicClock.nanoseconds)
            let addresses = state.book.addresses(of: name).map { "\($0)" }
                .joined(separator: ",")
            if failed == 0, state.book.failures(of: name) == 1, !isNew {
                state.logger?.warning(
                    "a name is not found any more: its endpoints stay as they were",
                    metadata: ["name": "\(name)", "addresses": "\(addresses)"])
            } else if isChanged, !isNew {
                state.logger?.notice(
                    "a name stands for other endpoints",
                    metadata: ["name": "\(name)", "addresses": "\(addresses)"])
            }
            return isChanged
        }
    }
}
