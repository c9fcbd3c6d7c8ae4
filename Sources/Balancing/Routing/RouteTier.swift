// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// Rules that are asked together, found by name.
final class RouteTier: Sendable {
    private struct Expression: Sendable {
        let expression: NameExpression
        let group: Int
    }

    private let exact: NameIndex
    private let below: NameIndex
    private let expressions: [Expression]
    private let nameless: Int?
    private let groups: [RouteGroup]
    /// Rules that share a name, for each such name.
    let namesakes: [[UInt32]]
    /// Values of the indices from here on are groups; below, they are rules without conditions.
    private static let groupMark: UInt32 = 0x8000_0000

    init(_ members: [UInt32], of all: [Route]) {
        var groups: [RouteGroup] = []
        var namesakes: [[UInt32]] = []
        func group(_ rules: [UInt32]) -> Int {
            groups.append(RouteGroup(rules, of: all))
            if rules.count > 1 { namesakes.append(rules) }
            return groups.count - 1
        }
        func value(_ rule: UInt32, _ others: [UInt32]) -> UInt32 {
            if others.isEmpty, all[Int(rule)].isByNameAlone { return rule }
            return Self.groupMark | UInt32(group([rule] + others))
        }
        var exact = NamedRules(capacity: members.count { all[Int($0)].name.isExact })
        var below = NamedRules(capacity: members.count { all[Int($0)].name.isWildcard })
        var expressions: [(NameExpression, [UInt32])] = []
        var nameless: [UInt32] = []
        for rule in members {
            switch all[Int(rule)].name {
            case .pattern(.exact(let name)): exact.add(rule, name)
            case .pattern(.below(let name)): below.add(rule, name)
            case .expression(let expression):
                if let place = expressions.firstIndex(where: { $0.0 == expression }) {
                    expressions[place].1.append(rule)
                } else {
                    expressions.append((expression, [rule]))
                }
            case .any: nameless.append(rule)
            }
        }
        self.exact = exact.index(value)
        self.below = below.index(value)
        self.expressions = expressions.map { expression, rules in
            Expression(expression: expression, group: group(rules))
        }
        self.nameless = nameless.isEmpty ? nil : group(nameless)
        self.groups = groups
        self.namesakes = namesakes
    }

    /// The rule for a client. One walk over the name when the most specific name has no conditions.
    func match(_ query: RouteQuery, _ all: [Route], _ reach: WildcardReach) -> RouteMatch? {
        if query.isTLS, let name = query.serverName {
            let text = name.text.utf8
            if let match = match(query, text.span, all, reach) { return match }
        }
        return nameless.flatMap { matchGroup($0, query, all) }
    }

    private func match(
        _ query: RouteQuery, _ name: Span<UInt8>, _ all: [Route], _ reach: WildcardReach
    ) -> RouteMatch? {
        let (whole, longest) = look(up: name, reach)
        if let whole, let match = matchValue(whole, query, all) { return match }
        if let longest {
            if let match = matchValue(longest.value, query, all) { return match }
            // Its conditions do not hold: the next shorter one may.
            for value in shorter(than: longest.start, name, reach) {
                if let match = matchValue(value, query, all) { return match }
            }
        }
        for entry in expressions {
            guard let found = entry.expression.groups(in: name) else { continue }
            let rule = groups[entry.group].first(for: query) { rule in
                guard all[Int(rule)].conditions.hold(for: query) else { return false }
                guard case .derived(let derived) = all[Int(rule)].action else { return true }
                return derived.cluster(name, found) != nil
            }
            if let rule {
                var match = RouteMatch(RouteID(rawValue: rule))
                if case .derived(let derived) = all[Int(rule)].action {
                    match.derived = derived.cluster(name, found)
                }
                return match
            }
        }
        return nil
    }

    private func matchValue(_ value: UInt32, _ query: RouteQuery, _ all: [Route]) -> RouteMatch? {
        value < Self.groupMark
            ? RouteMatch(RouteID(rawValue: value))
            : matchGroup(Int(value & ~Self.groupMark), query, all)
    }

    private func matchGroup(_ group: Int, _ query: RouteQuery, _ all: [Route]) -> RouteMatch? {
        groups[group].first(for: query) { all[Int($0)].conditions.hold(for: query) }
            .map { RouteMatch(RouteID(rawValue: $0)) }
    }

    /// What stands at the whole name, and at the longest wildcard with where its name starts.
    private func look(
        up bytes: Span<UInt8>, _ reach: WildcardReach
    ) -> (exact: UInt32?, longest: (value: UInt32, start: Int)?) {
        var hash = NameHash()
        var wildcard: (value: UInt32, start: Int)?
        var index = bytes.count
        while index > 0 {
            index -= 1
            let byte = bytes[index]
            // The bytes behind a dot, all hashed by now, are what a wildcard may name; the further
            // left, the more specific.
            if byte == UInt8(ascii: "."), !below.isEmpty {
                let found = below.find(bytes, from: index + 1, hash).map { ($0, index + 1) }
                wildcard = reach == .oneLabel ? found : found ?? wildcard
            }
            hash.add(byte)
        }
        return (exact.find(bytes, from: 0, hash), wildcard)
    }

    /// Values of wildcards whose names start behind `start`, the longest first.
    private func shorter(
        than start: Int, _ bytes: Span<UInt8>, _ reach: WildcardReach
    ) -> [UInt32] {
        guard reach == .anyDepth else { return [] }
        var values: [UInt32] = []
        var hash = NameHash()
        for index in stride(from: bytes.count - 1, to: start, by: -1) {
            if bytes[index] == UInt8(ascii: "."),
                let value = below.find(bytes, from: index + 1, hash)
            {
                values.append(value)
            }
            hash.add(bytes[index])
        }
        return values.reversed()
    }
}

/// Rules by name. Nearly all names have one rule, which costs no list of its own.
private struct NamedRules {
    private var first: NameIndex
    /// The other rules of the names that have several, by the first.
    private var others: [UInt32: [UInt32]] = [:]

    init(capacity: Int) { first = NameIndex(capacity: capacity) }

    mutating func add(_ rule: UInt32, _ name: ServerName) {
        if let first = first.insert(name, rule) { others[first, default: []].append(rule) }
    }

    /// The names with what `value` makes of their rules.
    consuming func index(_ value: (UInt32, [UInt32]) -> UInt32) -> NameIndex {
        first.mapValues { value($0, others[$0] ?? []) }
        return first
    }
}
