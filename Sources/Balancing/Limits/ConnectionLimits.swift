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

/// Where a connection counts.
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

/// The bounds of how many connections there are, spliced and relayed ones together. Whatever has no
/// bound is not counted. Shared by all workers and the relay.
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

    private let parts: Parts
    private let wouldRefuse: @Sendable () -> Void

    /// Nothing counted yet. `wouldRefuse` is told of each client of a source that would have been
    /// turned away, were it no dry run.
    public init(_ parts: Parts, wouldRefuse: @escaping @Sendable () -> Void = {}) {
        self.parts = parts
        self.wouldRefuse = wouldRefuse
    }

    /// Takes a place everywhere; what has none, and then nothing is counted.
    public func take(_ seat: Seat) -> FullPlace? {
        if parts.process?.take() == false { return .process }
        if parts.listeners[seat.listener]?.take() == false {
            return undo(seat, from: .listener)
        }
        if let cluster = seat.cluster, parts.clusters[cluster]?.take() == false {
            return undo(seat, from: .cluster)
        }
        if cap(of: seat)?.take() == false { return undo(seat, from: .endpoints) }
        let all = sourceCounts(of: seat)
        for (index, counts) in all.enumerated() where !take(seat.source, counts) {
            for earlier in all.prefix(index) { earlier.giveBack(seat.source) }
            return undo(seat, from: .source)
        }
        return nil
    }

    private func take(_ source: IPAddress, _ counts: SourceCounts) -> Bool {
        if counts.take(source, forced: false) { return true }
        guard counts.limit.isDryRun else { return false }
        wouldRefuse()
        return counts.take(source, forced: true)
    }

    /// Gives back what was taken before the place that is full.
    private func undo(_ seat: Seat, from full: FullPlace) -> FullPlace {
        parts.process?.giveBack()
        if full == .listener { return full }
        parts.listeners[seat.listener]?.giveBack()
        if full == .cluster { return full }
        seat.cluster.flatMap { parts.clusters[$0] }?.giveBack()
        if full == .endpoints { return full }
        cap(of: seat)?.giveBack()
        return full
    }

    /// Counts a connection that is there already, bounds or not.
    public func adopt(_ seat: Seat) {
        parts.process?.count.add()
        parts.listeners[seat.listener]?.count.add()
        seat.cluster.flatMap { parts.clusters[$0] }?.count.add()
        cap(of: seat)?.count.add()
        for counts in sourceCounts(of: seat) { _ = counts.take(seat.source, forced: true) }
    }

    /// The connection is over.
    public func giveBack(_ seat: Seat) {
        parts.process?.giveBack()
        parts.listeners[seat.listener]?.giveBack()
        seat.cluster.flatMap { parts.clusters[$0] }?.giveBack()
        cap(of: seat)?.giveBack()
        for counts in sourceCounts(of: seat) { counts.giveBack(seat.source) }
    }

    /// The bound of the endpoint at a place of the cluster at a place.
    public func cap(cluster: Int, endpoint: Int) -> ConnectionCap? {
        parts.endpoints[cluster]?[endpoint]
    }

    /// The bounds of a cluster's endpoints; empty when none has one.
    public func caps(cluster: Int) -> [ConnectionCap?] { parts.endpoints[cluster] ?? [] }

    private func cap(of seat: Seat) -> ConnectionCap? {
        guard let cluster = seat.cluster, let endpoint = seat.endpoint else { return nil }
        return cap(cluster: cluster, endpoint: endpoint)
    }

    private func sourceCounts(of seat: Seat) -> [SourceCounts] {
        [parts.sources, parts.sourcesOfListeners[seat.listener]].compactMap(\.self)
    }
}
