// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// Names a route within its table.
public struct RouteID: Hashable, Sendable {
    /// Its place in ``RoutingTable/routes``.
    public let rawValue: UInt32

    /// The route at that place.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// The route that a client takes.
public struct RouteMatch: Hashable, Sendable {
    /// Which one.
    public let id: RouteID
    /// The cluster that follows from the name, where the route says so.
    public internal(set) var derived: Int?

    init(_ id: RouteID) { self.id = id }
}

/// Which route a client takes. Of all routes whose name and conditions hold for it, the one
///
/// 1. that is to be asked first (`first: on`),
/// 2. with the most specific name: exact, then the longest wildcard, then the earliest expression,
///    then none,
/// 3. for the protocol that the client lists first, then the next, then for no protocol,
/// 4. with the longest prefix of its source, then without a source,
/// 5. that asks for the highest TLS version, then for none,
/// 6. that asks for ECH or its absence, then for neither,
/// 7. that says whether the client speaks TLS, then that does not care,
/// 8. that stands first.
///
/// Immutable, so that workers share it. A look-up by name alone walks the name once from its end,
/// allocates nothing, and costs the same for ten routes as for a hundred thousand.
public struct RoutingTable: Hashable, Sendable {
    /// All routes, in the order given.
    public let routes: [Route]
    /// How far wildcards reach.
    public let reach: WildcardReach
    /// Places of all clusters that a route may send clients to.
    public let reachableClusters: Set<Int>
    let tiers: [RouteTier]
    /// The cluster of each route, -1 where it is not always the same: in little memory, since a
    /// look-up waits for nothing but memory.
    private let clusters: [Int32]
    /// Whether any route is for clients that do not speak TLS.
    private let concernsOthers: Bool
    /// Whether two clients that ask for the same name go to the same place, whatever else they say.
    public let asksNameAlone: Bool

    /// A table of `routes`; of two that ask the same the first counts.
    public init(_ routes: [Route] = [], reach: WildcardReach = .anyDepth) {
        self.routes = routes
        self.reach = reach
        clusters = routes.map { route in
            guard case .cluster(let index) = route.action else { return -1 }
            return Int32(truncatingIfNeeded: index)
        }
        var reachable = Set(clusters.lazy.filter { $0 >= 0 }.map { Int($0) })
        for (route, cluster) in zip(routes, clusters) where cluster < 0 {
            reachable.formUnion(route.clusters)
        }
        reachableClusters = reachable
        concernsOthers = routes.contains { $0.conditions.tls != .on }
        asksNameAlone = routes.allSatisfy { route in
            if case .split = route.action { return false }
            return route.isByNameAlone
        }
        let first = routes.indices.filter { routes[$0].conditions.isFirst }
        let rest = routes.indices.filter { !routes[$0].conditions.isFirst }
        tiers = [first, rest].filter { !$0.isEmpty }.map { members in
            RouteTier(members.map { UInt32($0) }, of: routes)
        }
    }

    /// Whether both hold the same routes in the same order.
    public static func == (left: RoutingTable, right: RoutingTable) -> Bool {
        left.routes == right.routes && left.reach == right.reach
    }

    /// As for ``==(_:_:)``.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(routes)
        hasher.combine(reach)
    }

    /// The route with that id.
    public subscript(id: RouteID) -> Route { routes[Int(id.rawValue)] }

    /// The route that a client takes, or nil when none matches.
    public func match(_ query: RouteQuery) -> RouteMatch? {
        guard query.isTLS || concernsOthers else { return nil }
        for tier in tiers {
            if let match = tier.match(query, routes, reach) { return match }
        }
        return nil
    }

    /// Where a client goes that takes that route. A split takes a turn.
    public func destination(of match: RouteMatch, for source: IPAddress) -> RouteDestination {
        let cluster = clusters[Int(match.id.rawValue)]
        if cluster >= 0 { return .cluster(Int(cluster)) }
        return switch self[match.id].action {
        case .cluster(let index): .cluster(index)
        case .split(let split): .cluster(split.cluster(for: source))
        case .derived: match.derived.map { .cluster($0) } ?? .reject(.reset)
        case .reject(let policy): .reject(policy)
        }
    }
}

/// Where a client goes.
public enum RouteDestination: Hashable, Sendable {
    /// To the cluster at that place of the configuration's list.
    case cluster(Int)
    /// Away.
    case reject(RejectPolicy)
}

extension Route {
    /// Whether nothing but the name is asked of a client that speaks TLS.
    var isByNameAlone: Bool { conditions.asksNothing }
}

extension RouteConditions {
    /// Whether every client that speaks TLS fulfils them.
    var asksNothing: Bool {
        protocols.isEmpty && sources.isEmpty && tls != .off && lowestVersion == nil && hasECH == nil
    }
}
