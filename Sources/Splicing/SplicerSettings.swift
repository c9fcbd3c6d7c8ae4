// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import WireTypes

/// How many splices the flow table holds, and how many it may: shared by all workers.
public final class FlowAdmission: Sendable {
    /// Most splices admitted.
    public let limit: Int
    /// Places that are taken, and those of them that are promised to the datapath.
    private let count = Atomic<Int>(0)
    private let promised = Atomic<Int>(0)

    /// Admits `limit` splices.
    public init(limit: Int) { self.limit = limit }

    /// Splices in the table.
    public var current: Int {
        count.load(ordering: .relaxed) - promised.load(ordering: .relaxed)
    }

    /// Takes a place; false when there is none.
    public func admit() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            count.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Takes a place for a splice that the datapath may begin; false when there is none.
    public func promise() -> Bool {
        guard admit() else { return false }
        promised.add(1, ordering: .relaxed)
        return true
    }

    /// The datapath began it.
    public func keepPromise() { promised.subtract(1, ordering: .relaxed) }

    /// It may not any more.
    public func withdrawPromise() {
        promised.subtract(1, ordering: .relaxed)
        release()
    }

    /// Counts a splice that is in the table already.
    public func adopt() { count.add(1, ordering: .relaxed) }

    /// Gives a place back.
    public func release() { count.subtract(1, ordering: .relaxed) }
}

/// What a splicer is told once.
public struct SplicerSettings: Sendable {
    /// This worker's index.
    public var worker = 0
    /// How many there are.
    public var workers = 1
    /// Whether clients are spliced at all.
    public var isSplicing = true
    /// Whether the datapath may take clients of names that were routed before to their endpoints.
    public var learnsNames = true
    /// Source ports.
    public var ports: [ClosedRange<UInt16>] = [10000...32767, 61000...65535]
    /// Those of them that are left where the datapath takes the others for plain flows.
    public var portsBesidePlain: [ClosedRange<UInt16>] { PortShares(of: ports).spliced }
    /// Payload of one segment of a hello to an endpoint: the path's MSS less the timestamps.
    public var segmentSize = 1400
    /// What another configuration may change.
    public var limits = SplicerLimits()
    /// How long a flow that saw an RST may be revived by its ends.
    public var resetLinger = Duration.milliseconds(500)
    /// How long a closed flow still translates at least where others want its port or its place: a
    /// FIN whose acknowledgement was lost is repeated by then.
    public var shortestLinger = Duration.milliseconds(500)
    /// Key of the initial sequence numbers.
    public var sequenceKey: (UInt64, UInt64) = (1, 2)

    /// The defaults.
    public init() {}
}

/// Of a splicer's settings those that a configuration may change while it runs.
public struct SplicerLimits: Sendable {
    /// How long a closed flow still translates.
    public var closedLinger = Duration.seconds(2)
    /// Most clients whose hello is not whole; past it the oldest is reset.
    public var halfClassified = 10000

    /// The defaults.
    public init() {}
}

/// What one thread tells a worker.
public enum WorkerMessage: Sendable {
    /// A splice is over: its flows may go at once.
    case ended(client: FlowTuple, upstream: FlowTuple, createdNanoseconds: UInt64)
    /// What the connection log has to say of a splice that `ended` will tell of.
    case logged(SpliceEnd)
    /// Its endpoint speaks on, and no flow is there (balancer → endpoint): perhaps evicted.
    case vanished(FlowTuple)
    /// A port of this worker that another one saw free.
    case free(TransportAddress, target: Int)
    /// Addresses, routes or interfaces changed, and with them the ways to the endpoints: the
    /// snapshot's targets anew, in the same order, and the payload of a hello's segment.
    case ways([Target], segmentSize: Int)
    /// Another configuration, whose targets begin with those known; `done` is told when it is in
    /// force.
    case configuration(RoutingSnapshot, SplicerLimits, done: @Sendable () -> Void)
}
