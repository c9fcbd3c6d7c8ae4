// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// One route: a pattern of names and the cluster they go to.
public struct Route: Hashable, Sendable {
    /// What it matches.
    public let pattern: NamePattern
    /// Index of the cluster in the configuration's list.
    public let cluster: Int

    /// A route.
    public init(_ pattern: NamePattern, cluster: Int) {
        self.pattern = pattern
        self.cluster = cluster
    }
}

/// Names a route within its table.
public struct RouteID: Hashable, Sendable {
    /// Its place in ``RoutingTable/routes``.
    public let rawValue: UInt32

    /// The route at that place.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// Which cluster a server name goes to. Exact names win over wildcards, and of these the longest.
///
/// Immutable, so that workers share it. A look-up walks the name once from its end, allocates
/// nothing, and costs the same for ten routes as for a hundred thousand.
public struct RoutingTable: Hashable, Sendable {
    /// All routes, in the order given.
    public let routes: [Route]
    /// How far wildcards reach.
    public let reach: WildcardReach
    private let exact: NameIndex
    private let below: NameIndex

    /// A table of `routes`; of two with an equal pattern the first counts.
    public init(_ routes: [Route] = [], reach: WildcardReach = .anyDepth) {
        self.routes = routes
        self.reach = reach
        var exact: [NameIndex.Item] = []
        var below: [NameIndex.Item] = []
        for (index, route) in routes.enumerated() {
            switch route.pattern {
            case .exact(let name): exact.append((name, UInt32(index)))
            case .below(let name): below.append((name, UInt32(index)))
            }
        }
        self.exact = NameIndex(exact)
        self.below = NameIndex(below)
    }

    /// The route with that id.
    public subscript(id: RouteID) -> Route { routes[Int(id.rawValue)] }

    /// The route that a server name takes, or nil when none matches.
    public func route(for name: ServerName) -> RouteID? {
        let text = name.text.utf8
        let bytes = text.span
        var hash = NameHash()
        var wildcard: UInt32?
        var index = bytes.count
        while index > 0 {
            index -= 1
            let byte = bytes[index]
            // The bytes behind a dot, all hashed by now, are what a wildcard may name; the further
            // left, the more specific.
            if byte == UInt8(ascii: "."), !below.isEmpty {
                let found = below.find(bytes, from: index + 1, hash)
                wildcard = reach == .oneLabel ? found : found ?? wildcard
            }
            hash.add(byte)
        }
        return (exact.find(bytes, from: 0, hash) ?? wildcard).map(RouteID.init)
    }

    /// The index of the cluster that a server name goes to, or nil when no route matches.
    public func cluster(for name: ServerName) -> Int? {
        route(for: name).map { self[$0].cluster }
    }
}
