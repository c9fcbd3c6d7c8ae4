// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Datapath
internal import Synchronization
internal import WireTypes

/// The splices that keep their client's address and port towards the endpoint: which of these tuples
/// are out, and where each connection counts.
///
/// A client may use one port towards two listeners, so two splices may want one tuple, and on two
/// workers. Shared by all of them, and by all copies of a snapshot.
final class TransparentSplices: Sendable {
    /// Who has a tuple.
    private struct Holder {
        /// Client → listener.
        var client: FlowTuple
        var createdNanoseconds: UInt64
        var places: TakenPlaces?
    }

    private final class Shard: Sendable {
        let holders = Mutex<[FlowTuple: Holder]>([:])
    }

    enum Outcome {
        case taken
        /// The same client had it for a connection before, which is over: its places.
        case replaced(TakenPlaces?)
        /// Another connection has it.
        case held
    }

    private let shards = (0..<16).map { _ in Shard() }
    private let total = Atomic<Int>(0)

    /// How many are out.
    var count: Int { total.load(ordering: .relaxed) }

    private func shard(_ upstream: FlowTuple) -> Shard {
        shards[Int(upstream.source.port) % shards.count]
    }

    /// Takes a tuple for a connection of `client`. Whoever says a hello has no flow any more, so what
    /// the client had before it may have again; of another listener's client it is held.
    func take(
        _ upstream: FlowTuple, for client: FlowTuple, createdNanoseconds: UInt64,
        _ places: TakenPlaces?
    ) -> Outcome {
        shard(upstream).holders.withLock { holders in
            let old = holders[upstream]
            if let old, old.client != client { return .held }
            holders[upstream] = Holder(
                client: client, createdNanoseconds: createdNanoseconds, places: places)
            guard let old else {
                total.add(1, ordering: .relaxed)
                return .taken
            }
            return .replaced(old.places)
        }
    }

    /// Takes the tuple of a splice that an earlier daemon began. False when it was out already.
    func adopt(_ row: SpliceRow) -> Bool {
        shard(row.upstream).holders.withLock { holders in
            guard holders[row.upstream] == nil else { return false }
            holders[row.upstream] = Holder(
                client: row.client, createdNanoseconds: row.createdNanoseconds, places: nil)
            total.add(1, ordering: .relaxed)
            return true
        }
    }

    /// Says where an adopted splice counts.
    func seat(_ row: SpliceRow, _ places: TakenPlaces) {
        shard(row.upstream).holders.withLock { $0[row.upstream]?.places = places }
    }

    /// A splice does not count any more, though its tuple is still out; told again, nothing happens.
    func leaveSeat(_ upstream: FlowTuple, createdNanoseconds: UInt64) {
        if count == 0 { return }
        let places = shard(upstream).holders.withLock { holders -> TakenPlaces? in
            guard let holder = holders[upstream], holder.createdNanoseconds == createdNanoseconds
            else { return nil }
            holders[upstream]?.places = nil
            return holder.places
        }
        places?.giveBack()
    }

    /// A splice is over, and counts no more. False when it did not have the tuple, or has it no more.
    func giveBack(_ upstream: FlowTuple, createdNanoseconds: UInt64) -> Bool {
        if count == 0 { return false }
        let holder = shard(upstream).holders.withLock { holders -> Holder? in
            guard holders[upstream]?.createdNanoseconds == createdNanoseconds else { return nil }
            return holders.removeValue(forKey: upstream)
        }
        guard let holder else { return false }
        total.subtract(1, ordering: .relaxed)
        holder.places?.giveBack()
        return true
    }
}

extension SpliceRow {
    /// Whether the endpoint sees the client's own address and port.
    var isTransparent: Bool { upstream.source == client.source }

    /// The worker that keeps what belongs to the splice: the one that hears of it where its source is
    /// the client's, else the one whose port it is.
    func owner(among workers: Int) -> Int {
        isTransparent
            ? Int(worker) % workers : PortPool.owner(of: upstream.source.port, workers: workers)
    }
}
