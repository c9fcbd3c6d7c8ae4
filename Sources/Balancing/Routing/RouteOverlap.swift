// SPDX-License-Identifier: Apache-2.0

internal import TLSClassifier
internal import WireTypes

/// Two routes that a client may both match, and neither of which is narrower in everything: which of
/// them wins follows from the order alone, and may not be what was meant.
public struct RouteOverlap: Hashable, Sendable {
    /// The one that wins.
    public let winner: RouteID
    /// The one that loses.
    public let loser: RouteID
    /// How many more routes win over the same one in the same way.
    public internal(set) var others = 0
}

/// A route that no client takes, since an earlier one asks the same.
public struct RouteRepetition: Hashable, Sendable {
    /// The one that counts.
    public let earlier: RouteID
    /// The one that does not.
    public let later: RouteID
}

extension RoutingTable {
    /// The routes that ask the same as an earlier one, in their order.
    public var repetitions: [RouteRepetition] {
        let repetitions = tiers.lazy.flatMap(\.namesakes).flatMap { rules in
            var first: [RouteConditions: UInt32] = [:]
            return rules.compactMap { rule -> RouteRepetition? in
                let conditions = routes[Int(rule)].conditions
                guard let earlier = first[conditions] else {
                    first[conditions] = rule
                    return nil
                }
                return RouteRepetition(
                    earlier: RouteID(rawValue: earlier), later: RouteID(rawValue: rule))
            }
        }
        return repetitions.sorted { $0.later.rawValue < $1.later.rawValue }
    }

    /// Groups of more rules than this are not looked at pair by pair.
    private static let groupLimit = 256
    /// More comparisons than this are not made.
    private static let comparisonLimit = 10_000_000

    /// The overlaps that are worth a word, by the losers' places.
    public var overlaps: [RouteOverlap] {
        if routes.allSatisfy(\.isByNameAlone) { return [] }
        return (overlapsByName + overlapsOfNames).sorted { $0.loser.rawValue < $1.loser.rawValue }
    }

    /// Of routes with the same name.
    private var overlapsByName: [RouteOverlap] {
        let names = Set(routes.lazy.filter { !$0.isByNameAlone }.map(\.name))
        let members = routes.indices.filter { names.contains(routes[$0].name) }
        let conditional = Dictionary(grouping: members) { routes[$0].name }
            .values.filter { (2...Self.groupLimit).contains($0.count) }
        return conditional.flatMap { members in
            members.indices.flatMap { first in
                members[(first + 1)...].compactMap { overlap(members[first], $0) }
            }
        }
    }

    private func overlap(_ first: Int, _ second: Int) -> RouteOverlap? {
        let (one, two) = (routes[first].asked, routes[second].asked)
        guard routes[first].action != routes[second].action, one.isFirst == two.isFirst,
            one.mayMeet(two), !one.isWithin(two), !two.isWithin(one)
        else { return nil }
        let isFirst = one.comesBefore(two)
        return RouteOverlap(
            winner: RouteID(rawValue: UInt32(isFirst ? first : second)),
            loser: RouteID(rawValue: UInt32(isFirst ? second : first)))
    }

    /// Routes without a name that ask for something else: routes by name alone win over them.
    private var overlapsOfNames: [RouteOverlap] {
        let named = routes.indices.filter { routes[$0].name != .any }
        guard named.count * (routes.count - named.count) < Self.comparisonLimit else { return [] }
        return routes.indices.compactMap { place in
            let route = routes[place]
            guard route.name == .any, route.conditions.tls != .off, !route.conditions.asksNothing
            else { return nil }
            let winners = named.filter { other in
                let route = routes[other].asked
                return route.isFirst == routes[place].conditions.isFirst
                    && routes[other].action != routes[place].action
                    && route.mayMeet(routes[place].conditions)
                    && !route.isWithin(routes[place].conditions)
            }
            guard let first = winners.first else { return nil }
            return RouteOverlap(
                winner: RouteID(rawValue: UInt32(first)), loser: RouteID(rawValue: UInt32(place)),
                others: winners.count - 1)
        }
    }
}

extension Route {
    /// Whether it wins for every client that `other` asks for, if the names allow.
    func hides(_ other: Route) -> Bool {
        (conditions.isFirst || !other.conditions.isFirst) && other.asked.isWithin(asked)
    }

    /// Its conditions, and what its name asks besides: only who speaks TLS says one.
    fileprivate var asked: RouteConditions {
        var conditions = conditions
        if name != .any, conditions.tls == .any { conditions.tls = .on }
        return conditions
    }
}

extension RouteConditions {
    /// Whether one client may fulfil both.
    fileprivate func mayMeet(_ other: RouteConditions) -> Bool {
        if tls != .any, other.tls != .any, tls != other.tls { return false }
        if let hasECH, let theirs = other.hasECH, hasECH != theirs { return false }
        if sources.isEmpty || other.sources.isEmpty { return true }
        // Long lists are not compared: they are taken to be apart.
        guard sources.count * other.sources.count < 1_000_000 else { return false }
        return sources.contains { block in
            other.sources.contains { $0.contains(block.base) || block.contains($0.base) }
        }
    }

    /// Whether whoever fulfils these fulfils the others.
    fileprivate func isWithin(_ other: RouteConditions) -> Bool {
        let isOfProtocol = other.protocols.isEmpty || Set(protocols) == Set(other.protocols)
        let isOfSource =
            other.sources.isEmpty
            || !sources.isEmpty
                && sources.allSatisfy { block in
                    other.sources.contains {
                        $0.prefixLength <= block.prefixLength && $0.contains(block.base)
                    }
                }
        let isOfVersion =
            (lowestVersion?.rawValue ?? 0) >= (other.lowestVersion?.rawValue ?? 0)
        let isOfECH = other.hasECH == nil || hasECH == other.hasECH
        let isOfTLS = other.tls == .any || tls == other.tls
        return isOfProtocol && isOfSource && isOfVersion && isOfECH && isOfTLS
    }

    /// Whether these win for a client of both; as far as that is not up to the client.
    fileprivate func comesBefore(_ other: RouteConditions) -> Bool {
        if protocols.isEmpty != other.protocols.isEmpty { return !protocols.isEmpty }
        let lengths = (
            sources.map(\.prefixLength).max() ?? -1, other.sources.map(\.prefixLength).max() ?? -1
        )
        if lengths.0 != lengths.1 { return lengths.0 > lengths.1 }
        let versions = (lowestVersion?.rawValue ?? 0, other.lowestVersion?.rawValue ?? 0)
        if versions.0 != versions.1 { return versions.0 > versions.1 }
        return hasECH != nil || other.hasECH == nil
    }
}
