// SPDX-License-Identifier: Apache-2.0

internal import TLSClassifier
internal import WireTypes

/// All rules for one name: by the protocol they ask for, then by source, then by rank.
struct RouteGroup: Sendable {
    private struct ByProtocol: Sendable {
        let name: String
        let sources: SourceIndex
    }

    private let protocols: [ByProtocol]
    private let others: SourceIndex

    /// The group of those rules of `all`.
    init(_ members: [UInt32], of all: [Route]) {
        let ranked = members.sorted { Self.isBefore(all[Int($0)], all[Int($1)], $0 < $1) }
        var names: [String] = []
        for rule in ranked {
            for name in all[Int(rule)].conditions.protocols where !names.contains(name) {
                names.append(name)
            }
        }
        protocols = names.map { name in
            let rules = ranked.filter { all[Int($0)].conditions.protocols.contains(name) }
            return ByProtocol(name: name, sources: Self.index(rules, all))
        }
        others = Self.index(ranked.filter { all[Int($0)].conditions.protocols.isEmpty }, all)
    }

    /// The order of rules that ask for the same name, protocol and source.
    private static func isBefore(_ left: Route, _ right: Route, _ isEarlier: Bool) -> Bool {
        let versions = (
            left.conditions.lowestVersion?.rawValue ?? 0,
            right.conditions.lowestVersion?.rawValue ?? 0
        )
        if versions.0 != versions.1 { return versions.0 > versions.1 }
        let asksForECH = (left.conditions.hasECH != nil, right.conditions.hasECH != nil)
        if asksForECH.0 != asksForECH.1 { return asksForECH.0 }
        let isSure = (left.conditions.tls != .any, right.conditions.tls != .any)
        return isSure.0 != isSure.1 ? isSure.0 : isEarlier
    }

    private static func index(_ rules: [UInt32], _ all: [Route]) -> SourceIndex {
        var items: [SourceIndex.Item] = []
        var anywhere: [UInt32] = []
        for (rank, rule) in rules.enumerated() {
            let sources = all[Int(rule)].conditions.sources
            if sources.isEmpty { anywhere.append(rule) }
            items += sources.map { SourceIndex.Item(block: $0, rule: rule, rank: rank) }
        }
        return SourceIndex(items, anywhere: anywhere)
    }

    /// The first rule that matches; `isRight` looks at all but name, protocol and source.
    func first(for query: RouteQuery, where isRight: (UInt32) -> Bool) -> UInt32? {
        // The client's most wanted protocol first, then the next.
        var after = -1
        while let (place, member) = nextProtocol(query, after: after) {
            if let rule = protocols[member].sources.first(for: query.source, where: isRight) {
                return rule
            }
            after = place
        }
        return others.first(for: query.source, where: isRight)
    }

    private func nextProtocol(_ query: RouteQuery, after: Int) -> (place: Int, member: Int)? {
        var best: (place: Int, member: Int)?
        for (member, entry) in protocols.enumerated() {
            guard let place = query.protocols.place(of: entry.name), place > after,
                place < best?.place ?? .max
            else { continue }
            best = (place, member)
        }
        return best
    }
}
