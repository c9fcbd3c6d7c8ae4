// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// What has no place for one more connection.
public enum FullPlace: Hashable, Sendable {
    /// The process.
    case process
    /// The client's listener.
    case listener
    /// Its cluster.
    case cluster
    /// Each endpoint of the cluster, or the one that was chosen.
    case endpoints
    /// The client's source.
    case source
}

/// Where a connection belongs.
public struct Seat: Hashable, Sendable {
    /// Id of the listener.
    public var listener: UInt16
    /// Place of the cluster; nil: it left the configuration.
    public var cluster: Int?
    /// Place of the endpoint in the cluster; nil: none yet.
    public var endpoint: Int?
    /// Where the client connects from.
    public var source: IPAddress

    /// A connection's.
    public init(listener: UInt16, cluster: Int?, endpoint: Int? = nil, source: IPAddress) {
        self.listener = listener
        self.cluster = cluster
        self.endpoint = endpoint
        self.source = source
    }
}

/// Where a connection was counted; to be given back once, whatever is bounded by then.
public struct TakenPlaces: Sendable {
    fileprivate var counts: [ConnectionCount] = []
    fileprivate var sources: [SourceCounts] = []
    fileprivate let source: IPAddress

    fileprivate init(_ source: IPAddress) { self.source = source }

    /// The connection is over.
    public func giveBack() {
        for count in counts { count.remove() }
        for counts in sources { counts.giveBack(source) }
    }
}

/// The bounds of how many connections there are, spliced and relayed ones together. Whatever has no
/// bound is not counted. Shared by all workers and the relay; each configuration has its own, which
/// goes on with the counts of the one before.
///
/// A connection counts from when its endpoint is asked until both of its FINs are acknowledged, or
/// its flows have left the table after an RST.
public final class ConnectionLimits: Sendable {
    /// What the bounds are made of.
    public struct Parts: Sendable {
        /// Of all.
        public var process: ConnectionCap?
        /// By id of the listener.
        public var listeners: [UInt16: ConnectionCap] = [:]
        /// By place of the cluster.
        public var clusters: [Int: ConnectionCap] = [:]
        /// By places of the cluster and of its endpoint.
        public var endpoints: [Int: [ConnectionCap?]] = [:]
        /// Of each source, whatever its listener.
        public var sources: SourceCounts?
        /// Of each source, by id of the listener.
        public var sourcesOfListeners: [UInt16: SourceCounts] = [:]

        /// No bound.
        public init() {}

        /// Whether nothing is bounded.
        public var isEmpty: Bool {
            process == nil && listeners.isEmpty && clusters.isEmpty && endpoints.isEmpty
                && sources == nil && sourcesOfListeners.isEmpty
        }
    }

    /// What was taken, or what had no place.
    public enum Outcome: Sendable {
        /// There was a place everywhere.
        case taken(TakenPlaces)
        /// There was none here, and nothing is counted.
        case full(FullPlace)
    }

    /// What these are made of.
    public let parts: Parts
    private let wouldRefuse: @Sendable () -> Void
    private let dryRuns: Set<ObjectIdentifier>

    /// - Parameters:
    ///   - dryRuns: Those of the sources' counts that refuse nobody.
    ///   - wouldRefuse: Told of each client that one of these would have refused.
    public init(
        _ parts: Parts, dryRuns: [SourceCounts] = [],
        wouldRefuse: @escaping @Sendable () -> Void = {}
    ) {
        self.parts = parts
        self.wouldRefuse = wouldRefuse
        self.dryRuns = Set(dryRuns.map { ObjectIdentifier($0) })
    }

    /// Takes a place wherever one is needed.
    public func take(_ seat: Seat) -> Outcome {
        var taken = TakenPlaces(seat.source)
        for (place, cap) in caps(of: seat) {
            guard cap.take() else { return undo(taken, place) }
            taken.counts.append(cap.count)
        }
        for counts in sources(of: seat) {
            guard take(seat.source, counts) else { return undo(taken, .source) }
            taken.sources.append(counts)
        }
        return .taken(taken)
    }

    private func undo(_ taken: TakenPlaces, _ full: FullPlace) -> Outcome {
        taken.giveBack()
        return .full(full)
    }

    private func take(_ source: IPAddress, _ counts: SourceCounts) -> Bool {
        if counts.take(source, forced: false) { return true }
        guard dryRuns.contains(ObjectIdentifier(counts)) else { return false }
        wouldRefuse()
        return counts.take(source, forced: true)
    }

    /// Counts a connection that is there already, bounds or not.
    public func adopt(_ seat: Seat) -> TakenPlaces {
        var taken = TakenPlaces(seat.source)
        for (_, cap) in caps(of: seat) {
            cap.count.add()
            taken.counts.append(cap.count)
        }
        for counts in sources(of: seat) where counts.take(seat.source, forced: true) {
            taken.sources.append(counts)
        }
        return taken
    }

    /// The bound of the endpoint at a place of the cluster at a place.
    public func cap(cluster: Int, endpoint: Int) -> ConnectionCap? {
        parts.endpoints[cluster]?[endpoint]
    }

    private func caps(of seat: Seat) -> [(FullPlace, ConnectionCap)] {
        let cluster = seat.cluster
        let endpoint = cluster.flatMap { cluster in
            seat.endpoint.flatMap { cap(cluster: cluster, endpoint: $0) }
        }
        let all: [(FullPlace, ConnectionCap?)] = [
            (.process, parts.process), (.listener, parts.listeners[seat.listener]),
            (.cluster, cluster.flatMap { parts.clusters[$0] }), (.endpoints, endpoint),
        ]
        return all.compactMap { place, cap in cap.map { (place, $0) } }
    }

    private func sources(of seat: Seat) -> [SourceCounts] {
        [parts.sources, parts.sourcesOfListeners[seat.listener]].compactMap(\.self)
    }
}
