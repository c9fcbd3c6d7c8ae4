// SPDX-License-Identifier: Apache-2.0

public import TLSClassifier
public import WireTypes

/// The server names that a route is for.
public enum RouteName: Hashable, Sendable {
    /// A name, or all names below one.
    case pattern(NamePattern)
    /// Names that an expression matches.
    case expression(NameExpression)
    /// Any name, and none.
    case any

    var isExact: Bool {
        guard case .pattern(.exact) = self else { return false }
        return true
    }

    var isWildcard: Bool {
        guard case .pattern(.below) = self else { return false }
        return true
    }
}

/// Whether a client speaks TLS, as far as its first bytes say.
public enum TLSPresence: String, Hashable, Sendable, CaseIterable {
    /// It does.
    case on
    /// It does not.
    case off
    /// It may or may not.
    case any
}

/// What a route asks of a client beyond the name. All of it must hold.
public struct RouteConditions: Hashable, Sendable {
    /// Protocols of which the client offers one (ALPN); empty: whatever it offers.
    public var protocols: [String] = []
    /// Where it connects from: inside one of these; empty: anywhere.
    public var sources: [AddressBlock] = []
    /// Whether it speaks TLS.
    public var tls = TLSPresence.on
    /// The version that it must be able to speak, or a higher one.
    public var lowestVersion: TLSVersion?
    /// Whether its hello has the extension `encrypted_client_hello`, genuine or GREASE.
    public var hasECH: Bool?
    /// Whether the route is asked before all routes without this.
    public var isFirst = false

    /// Whatever speaks TLS.
    public init() {}

    /// What the source, and where it stands in the order, does not matter for.
    func hold(for query: RouteQuery) -> Bool {
        switch tls {
        case .on: guard query.isTLS else { return false }
        case .off: guard !query.isTLS else { return false }
        case .any: break
        }
        if let lowestVersion, query.highestVersion < lowestVersion { return false }
        if let hasECH, query.hasECH != hasECH { return false }
        return true
    }
}

/// What a route does with a client.
public enum RouteAction: Hashable, Sendable {
    /// Sends it to the cluster at that place of the configuration's list.
    case cluster(Int)
    /// Sends it to one of several clusters.
    case split(RouteSplit)
    /// Sends it to the cluster whose name follows from the server name.
    case derived(DerivedCluster)
    /// Turns it away.
    case reject(RejectPolicy)
}

/// One route: which clients it is for, and where they go.
public struct Route: Hashable, Sendable {
    /// The names that it is for.
    public let name: RouteName
    /// What else it asks.
    public let conditions: RouteConditions
    /// What it does.
    public let action: RouteAction

    /// A route.
    public init(
        _ name: RouteName, when conditions: RouteConditions = RouteConditions(),
        _ action: RouteAction
    ) {
        self.name = name
        self.conditions = conditions
        self.action = action
    }

    /// A route by name alone.
    public init(_ pattern: NamePattern, cluster: Int) {
        self.init(RouteName.pattern(pattern), RouteAction.cluster(cluster))
    }

    /// Places of the clusters that it may send clients to.
    public var clusters: [Int] {
        switch action {
        case .cluster(let index): [index]
        case .split(let split): split.shares.map(\.cluster)
        case .derived(let derived): derived.clusters.values.sorted()
        case .reject: []
        }
    }
}

/// What is known of a client when it is routed.
public struct RouteQuery: Sendable {
    /// The server name that it asks for.
    public var serverName: ServerName?
    /// The protocols that it offers.
    public var protocols = ApplicationProtocols()
    /// Where it connects from.
    public var source: IPAddress
    /// The highest version that it can speak.
    public var highestVersion = TLSVersion.tls12
    /// Whether its hello has the extension `encrypted_client_hello`.
    public var hasECH = false
    /// Whether its first bytes are TLS.
    public var isTLS: Bool

    /// A client that sent a hello.
    public init(_ hello: ClientHello, from source: IPAddress) {
        serverName = hello.serverName
        protocols = hello.applicationProtocols
        highestVersion = hello.highestVersion
        hasECH = hello.hasEncryptedClientHello
        self.source = source
        isTLS = true
    }

    /// A client whose first bytes are not TLS.
    public init(notTLSFrom source: IPAddress) {
        self.source = source
        isTLS = false
    }
}
