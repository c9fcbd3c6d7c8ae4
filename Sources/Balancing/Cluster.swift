// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// A named set of endpoints that new connections are shared out among.
public struct Cluster: Hashable, Sendable {
    /// Its place in the configuration's list of clusters, as flows carry it.
    public let id: UInt16
    /// Its name in the configuration, 1…63 bytes.
    public let name: String
    /// At least one, but for ``names`` that were not looked up.
    public var endpoints: [Endpoint]
    /// Names that are looked up again and again for endpoints; empty: the list is what it is.
    public var names: [EndpointName] = []
    /// How long an endpoint may take to answer the SYN before the next one is tried.
    public let connectTimeout: Duration
    /// How the endpoints are told who their clients are.
    public let proxyProtocol: ProxyProtocol
    /// What else a header of version 2 tells them, in this order.
    public var proxyTLVs: [ProxyTLV] = []
    /// Whether the endpoints see their clients' own addresses and ports.
    public var isTransparent = false
    /// How new connections are shared out.
    public var balance: Balance
    /// How the endpoints are asked whether they are well; nil: not at all.
    public let health: HealthCheck?
    /// When connects that fail take an endpoint out; nil: they do not.
    public let ejection: Ejection?
    /// What becomes of the connections of an endpoint that went down.
    public let onDown: DownAction
    /// What becomes of clients when no endpoint may get them.
    public var whenEmpty: EmptyAction
    /// The most connections, spliced and relayed; nil: as many as there are.
    public var maxConnections: Int?

    /// A cluster.
    public init(
        id: UInt16, name: String, endpoints: [Endpoint], connectTimeout: Duration,
        proxyProtocol: ProxyProtocol = .off, balance: Balance = Balance(),
        health: HealthCheck? = nil, ejection: Ejection? = nil, onDown: DownAction = .keep,
        whenEmpty: EmptyAction = .tryAll
    ) {
        self.id = id
        self.name = name
        self.endpoints = endpoints
        self.connectTimeout = connectTimeout
        self.proxyProtocol = proxyProtocol
        self.balance = balance
        self.health = health
        self.ejection = ejection
        self.onDown = onDown
        self.whenEmpty = whenEmpty
    }

    /// The most endpoints of one cluster; it bounds what ``Picker`` computes at start.
    public static let endpointLimit = 4096
    /// The most endpoints of a cluster that the datapath shares out itself.
    public static let plainLimit = 1024
}
