// SPDX-License-Identifier: Apache-2.0

import Balancing
import HealthChecking
import KernelSockets
import Synchronization
import WireTypes

/// An endpoint as people name it: it is the same over reloads.
struct EndpointKey: Hashable, Sendable {
    var cluster: String
    var address: TransportAddress
}

/// Why each endpoint's health is what it is, for who asks. It outlives reloads, but no restart.
final class HealthNews: Sendable {
    /// The last transition.
    struct Item: Sendable {
        var health: EndpointHealth
        var cause: HealthCause
        /// What went wrong last.
        var lastError: String?
        /// CLOCK_MONOTONIC nanoseconds.
        var since: UInt64
    }

    private let items = Mutex<[EndpointKey: Item]>([:])

    /// An endpoint's health became another.
    func note(_ transition: HealthTransition, of endpoint: EndpointKey) {
        let item = Item(
            health: transition.after, cause: transition.cause, lastError: transition.lastError,
            since: MonotonicClock.nanoseconds)
        items.withLock { $0[endpoint] = item }
    }

    /// What made its health what it is; nil: nothing yet.
    func item(of endpoint: EndpointKey, being health: EndpointHealth) -> Item? {
        items.withLock { $0[endpoint].flatMap { $0.health == health ? $0 : nil } }
    }

    /// Forgets endpoints that are configured no more.
    func forget(allBut endpoints: Set<EndpointKey>) {
        items.withLock { items in items = items.filter { endpoints.contains($0.key) } }
    }
}
