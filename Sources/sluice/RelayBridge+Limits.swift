// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import Relaying
import Splicing
import Synchronization
import WireTypes

/// What a relayed connection takes, or what has no place for it.
enum Seating {
    /// nil: nothing is bounded.
    case seated(TakenPlaces?)
    case full(FullPlace)
}

/// Bounds of what the relay does; those of splices are the splicer's and the datapath's.
extension RelayBridge {
    /// Takes the places of a relayed connection; its endpoint's comes with the attempt. `isChosen`:
    /// it has an endpoint already.
    func seat(_ seat: Seat, in routes: RoutingSnapshot, isChosen: Bool = false) -> Seating {
        guard let limits = routes.limits, let cluster = seat.cluster else { return .seated(nil) }
        if !isChosen, routes.clusters[cluster].picker.isFull() { return .full(.endpoints) }
        switch limits.take(seat) {
        case .taken(let places): return .seated(places)
        case .full(let full): return .full(full)
        }
    }

    /// How a client is turned away for whom there is no place.
    func refusal(
        _ seat: Seat, _ full: FullPlace, in routes: RoutingSnapshot, speaksTLS: Bool
    ) -> RejectAction {
        counters.increment(DaemonCounter(full))
        let policy = routes.listeners[seat.listener]?.rejection ?? .reset
        return RejectAction(speaksTLS ? policy : policy.withoutTLS)
    }

    /// What the datapath asks of a SYN is asked here of clients of listening sockets.
    func admits(listener: UInt16, tuple: FlowTuple) -> Bool {
        let gates = gates.withLock { $0 }
        guard let refusal = gates?.refusal(of: tuple.source.address, at: listener) else {
            return true
        }
        counters.increment(refusal)
        return refusal == .socketFastDryRun
    }
}
