// SPDX-License-Identifier: Apache-2.0

public import Datapath
public import WireTypes

/// One endpoint that a relay may connect to.
public struct RelayCandidate: Sendable, Equatable {
    /// Its index in the cluster.
    public var index: UInt16
    /// Where it listens.
    public var address: TransportAddress
    /// The address to connect from; nil: the kernel's choice.
    public var source: IPAddress?

    /// An endpoint and the address to reach it from.
    public init(index: UInt16, address: TransportAddress, source: IPAddress? = nil) {
        self.index = index
        self.address = address
        self.source = source
    }
}

/// How a connection is turned away.
public enum RejectAction: Sendable, Equatable {
    /// The TLS alert `unrecognized_name` (RFC 6066 §3), then FIN.
    case alert
    /// FIN.
    case close
    /// RST.
    case reset
}

/// Where a connection goes, and how to get there.
public struct RelayPlan: Sendable {
    /// Id of the listener.
    public var listener: UInt16
    /// Id of the cluster.
    public var cluster: UInt16
    /// Why this connection is not spliced.
    public var reason: RelayReason
    /// The checked SNI; nil when there was none.
    public var serverName: ServerName?
    /// How long one endpoint may take to accept.
    public var connectTimeout: Duration
    /// What the client gets when no endpoint accepted.
    public var whenExhausted: RejectAction
    /// Bytes of ours that the endpoint gets before the client's first.
    public var ownedBytes: [UInt8] = []
    /// The endpoint to try after `attempt` (0, 1, …) failures; nil: no more.
    public var candidate: @Sendable (_ attempt: Int) -> RelayCandidate?

    /// A plan that resets the client when no endpoint accepts.
    public init(
        listener: UInt16, cluster: UInt16, reason: RelayReason, serverName: ServerName? = nil,
        connectTimeout: Duration = .seconds(5), whenExhausted: RejectAction = .reset,
        candidate: @escaping @Sendable (_ attempt: Int) -> RelayCandidate?
    ) {
        self.listener = listener
        self.cluster = cluster
        self.reason = reason
        self.serverName = serverName
        self.connectTimeout = connectTimeout
        self.whenExhausted = whenExhausted
        self.candidate = candidate
    }
}
