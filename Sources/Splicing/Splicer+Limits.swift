// SPDX-License-Identifier: Apache-2.0

public import Balancing
internal import ConnectionLogging
public import Datapath
internal import WireTypes

/// The splice whose port is out.
struct SeatKey: Hashable {
    let source: TransportAddress
    let target: Int

    init(_ source: TransportAddress, _ target: Int) {
        self.source = source
        self.target = target
    }
}

extension Splicer where Kernel: ~Copyable {
    /// Counts a splice of an earlier daemon where it belongs now, bounds or not.
    mutating func takeSeat(of row: SpliceRow, _ target: Int) {
        guard let limits = routes.limits else { return }
        let cluster = routes.place(ofCluster: row.cluster)
        let seat = Seat(
            listener: row.listener, cluster: cluster,
            endpoint: cluster.flatMap { routes.clusters[$0].targets.firstIndex(of: target) },
            source: row.client.source.address)
        let places = limits.adopt(seat)
        if row.isTransparent {
            routes.transparent.seat(row, places)
        } else {
            seats[SeatKey(row.upstream.source, target)] = places
        }
    }

    /// A splice does not count any more; told again, nothing happens.
    mutating func leaveSeat(_ upstream: FlowTuple, _ created: UInt64, _ target: Int) {
        routes.transparent.leaveSeat(upstream, createdNanoseconds: created)
        leaveSeat(of: upstream.source, target)
    }

    mutating func leaveSeat(of source: TransportAddress, _ target: Int) {
        if seats.isEmpty { return }
        seats.removeValue(forKey: SeatKey(source, target))?.giveBack()
    }

    /// There is no place for the client. Of an endpoint another may have had the last one meanwhile:
    /// then the next is asked.
    mutating func turnAway(_ client: PendingClient, _ full: FullPlace, now: UInt64) {
        guard full == .endpoints else { return refuse(client, full, now: now) }
        client.attempts -= 1
        connect(client, now: now)
    }

    /// Turns a client away as its listener does.
    mutating func refuse(_ client: PendingClient, _ full: FullPlace, now: UInt64) {
        counters.increment(DaemonCounter(full))
        noteRejection(of: client, .full)
        let policy = routes.listeners[client.note.listener]?.rejection ?? .reset
        handOver(client, .reject(client.speaksTLS ? policy : policy.withoutTLS), now: now)
    }
}

extension DaemonCounter {
    /// What counts those for whom that is full.
    public init(_ full: FullPlace) {
        self =
            switch full {
            case .process: .processFull
            case .listener: .listenerFull
            case .cluster: .clusterFull
            case .endpoints: .endpointsFull
            case .source: .sourceFull
            }
    }
}
