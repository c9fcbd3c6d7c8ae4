// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import KernelSockets
import Relaying
import Splicing
import WireTypes

/// A place for a connection, or what has none.
enum Seating {
    case seat(Seat)
    case full(FullPlace)
}

/// Bounds of what the relay does; those of splices are the splicer's and the datapath's.
extension RelayBridge {
    /// Takes the place of a relayed connection; its endpoint's comes with the attempt.
    /// `isChosen`: it has an endpoint already.
    func seat(
        _ listener: UInt16, _ client: FlowTuple, _ cluster: Int, isChosen: Bool = false
    ) -> Seating {
        let seat = Seat(listener: listener, cluster: cluster, source: client.source.address)
        guard let limits = routes.limits else { return .seat(seat) }
        if !isChosen, routes.clusters[cluster].picker.isFull() { return .full(.endpoints) }
        return limits.take(seat).map { .full($0) } ?? .seat(seat)
    }

    /// How a client is turned away for whom there is no place.
    func refusal(_ listener: UInt16, _ full: FullPlace, speaksTLS: Bool) -> RejectAction {
        counters.increment(.rejected)
        counters.increment(DaemonCounter(full))
        let policy = routes.listeners[listener]?.rejection ?? .reset
        return RejectAction(speaksTLS ? policy : policy.withoutTLS)
    }

    /// What the datapath asks of a SYN is asked here of clients of listening sockets.
    func admits(listener: UInt16, tuple: FlowTuple) -> Bool {
        guard let refusal = gates?.refusal(of: tuple.source.address, at: listener) else {
            return true
        }
        counters.increment(refusal)
        return refusal == .socketFastDryRun
    }
}
