// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KernelBPF
public import WireTypes

/// A relayed connection as `flowdump` finds it in the map.
public struct RelayedRow: Sendable {
    /// Client → listener.
    public var client: FlowTuple
    /// Balancer → endpoint; nil before an endpoint accepted.
    public var upstream: FlowTuple?
    /// CLOCK_MONOTONIC nanoseconds of its beginning and of its last byte.
    public var createdNanoseconds: UInt64
    /// CLOCK_MONOTONIC nanoseconds of its last byte.
    public var lastSeenNanoseconds: UInt64
    /// Bytes client to endpoint.
    public var upstreamBytes: UInt64
    /// Bytes endpoint to client.
    public var downstreamBytes: UInt64
    /// Why it is relayed.
    public var reason: RelayReason
    /// Ids of listener and cluster.
    public var listener: UInt16
    /// Id of the cluster.
    public var cluster: UInt16
    /// Index of the endpoint.
    public var endpoint: UInt16
    /// Id of the SNI, 0 = none.
    public var serverName: UInt32

    /// A row without bytes.
    public init(client: FlowTuple, reason: RelayReason, createdNanoseconds: UInt64) {
        self.client = client
        self.reason = reason
        self.createdNanoseconds = createdNanoseconds
        lastSeenNanoseconds = createdNanoseconds
        upstreamBytes = 0
        downstreamBytes = 0
        listener = 0
        cluster = 0
        endpoint = 0
        serverName = 0
    }

    var abi: relayed_entry {
        var entry = relayed_entry()
        if let upstream { entry.upstream = upstream.abi }
        entry.created_ns = createdNanoseconds
        entry.last_seen_ns = lastSeenNanoseconds
        entry.upstream_bytes = upstreamBytes
        entry.downstream_bytes = downstreamBytes
        entry.server_name = serverName
        entry.listener = listener
        entry.cluster = cluster
        entry.endpoint = endpoint
        entry.reason = reason.abi
        return entry
    }
}

extension KernelDatapath {
    /// Writes what `flowdump` shows of a relayed connection.
    public func setRelayed(_ row: RelayedRow) { try? relayed.set(row.client.abi, to: row.abi) }

    /// The connection is over.
    public func removeRelayed(_ client: FlowTuple) { relayed.remove(client.abi) }
}
