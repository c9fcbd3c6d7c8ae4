// SPDX-License-Identifier: Apache-2.0

public import Balancing
public import WireTypes

/// Addresses that clients connect to, and where their connections go.
public struct Listener: Hashable, Sendable {
    /// Its place in the configuration's list of listeners, as flows carry it.
    public let id: UInt16
    /// Its name, 1…63 bytes.
    public let name: String
    /// At least one, none twice in the whole configuration. An unspecified address (`0.0.0.0`,
    /// `::`) stands for the addresses of the attached interfaces; a specific one of another
    /// listener wins over it.
    public let addresses: [TransportAddress]
    /// Which clients go to which clusters, by their indices.
    public let routes: RoutingTable
    /// The cluster for hellos without a server name or with one that no route matches.
    public let defaultCluster: Int?
    /// The cluster for clients whose first bytes are not TLS.
    public let nonTLSCluster: Int?
    /// What is told to clients that have no cluster.
    public let reject: RejectPolicy
    /// How long and how large a hello may be.
    public let hello: HelloLimits
    /// The most connections, spliced and relayed; nil: as many as there are.
    public var maxConnections: Int? = nil
    /// Who may connect, of those that may connect at all.
    public var access = AccessList()
    /// What the clients of one source may do; nil: what they like.
    public var perSource: SourceLimit? = nil
    /// Whether clients' first bytes are looked at.
    public var mode = ListenerMode.tls
    /// Where clients come from that have to begin with a PROXY header.
    public var proxySenders: [AddressBlock] = []
}

/// What a listener makes of its clients' first bytes.
public enum ListenerMode: String, Hashable, Sendable, CaseIterable {
    /// Routes by the ClientHello.
    case tls
    /// Does not look at them, nor wait for them.
    case tcp
    /// Does not come to see them: the datapath picks endpoints of the default cluster itself.
    case plain
}

/// What bounds the wait for a ClientHello.
public struct HelloLimits: Hashable, Sendable {
    /// From the client's first byte, or its ACK, to the whole hello.
    public var timeout: Duration
    /// The largest hello in bytes, records included.
    public var maxSize: Int
    /// What happens when the time is over.
    public var onTimeout: UnclassifiedPolicy
    /// What happens to a larger hello.
    public var onTooLarge: UnclassifiedPolicy
    /// How long a client may say nothing before it goes to the default cluster, which then exists and
    /// speaks first; nil: as long as a hello may take.
    public var serverFirstAfter: Duration?
}

/// What happens to a client that could not be classified.
public enum UnclassifiedPolicy: String, Hashable, Sendable, CaseIterable {
    /// It is rejected.
    case reject
    /// It goes to the default cluster, which then exists.
    case `default`
}
