// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// A named set of endpoints that new connections are shared out among.
public struct Cluster: Hashable, Sendable {
    /// Its place in the configuration's list of clusters, as flows carry it.
    public let id: UInt16
    /// Its name in the configuration, 1…63 bytes.
    public let name: String
    /// At least one.
    public let endpoints: [Endpoint]
    /// How long an endpoint may take to answer the SYN before the next one is tried.
    public let connectTimeout: Duration
    /// How the endpoints are told who their clients are.
    public let proxyProtocol: ProxyProtocol
    /// How new connections are shared out.
    public let balance: Balance

    /// A cluster.
    public init(
        id: UInt16, name: String, endpoints: [Endpoint], connectTimeout: Duration,
        proxyProtocol: ProxyProtocol = .off, balance: Balance = Balance()
    ) {
        self.id = id
        self.name = name
        self.endpoints = endpoints
        self.connectTimeout = connectTimeout
        self.proxyProtocol = proxyProtocol
        self.balance = balance
    }

    /// The most endpoints of one cluster; it bounds what ``Picker`` computes at start.
    public static let endpointLimit = 4096
}
