// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

extension RoutingTable {
    /// Routes by an expression that no client takes: each name that it matches is below a wildcard's,
    /// and wildcards win, whatever the order they stand in.
    public var hiddenExpressions: [RouteOverlap] {
        let expressions = routes.indices.compactMap { place -> (Int, NameExpression)? in
            guard case .expression(let expression) = routes[place].name else { return nil }
            return (place, expression)
        }
        if expressions.isEmpty { return [] }
        var wildcards: [String: [Int]] = [:]
        for place in routes.indices {
            guard case .pattern(.below(let name)) = routes[place].name else { continue }
            wildcards[name.text, default: []].append(place)
        }
        return expressions.compactMap { place, expression in
            let winner = hider(of: place, expression, wildcards)
            return winner.map {
                RouteOverlap(
                    winner: RouteID(rawValue: UInt32($0)), loser: RouteID(rawValue: UInt32(place)))
            }
        }
    }

    private func hider(
        of place: Int, _ expression: NameExpression, _ wildcards: [String: [Int]]
    ) -> Int? {
        let route = routes[place]
        // Whatever hides all names hides this one: few wildcards do.
        guard var rest = expression.shortestName()?[...] else { return nil }
        while let dot = rest.firstIndex(of: UInt8(ascii: ".")) {
            rest = rest[(dot + 1)...]
            let name = String(decoding: rest, as: UTF8.self)
            let hider = wildcards[name]?.first { routes[$0].hides(route) }
            // Where both lead to the same place it does not matter which one a client takes.
            if let hider, expression.isWithin(below: name, reach) {
                return routes[hider].action == route.action ? nil : hider
            }
        }
        return nil
    }
}

extension NameExpression {
    /// What server names are made of, in lower case as they are compared.
    private static let nameBytes = Array("abcdefghijklmnopqrstuvwxyz0123456789-_.".utf8)

    /// The shortest text that it matches; nil: it matches none that is a name's.
    func shortestName() -> [UInt8]? {
        var texts: [Int: [UInt8]] = [0: []]
        var next = [0]
        while !next.isEmpty {
            var after: [Int] = []
            // What takes no byte is followed at once, so that texts come in the order of length.
            while let place = next.popLast() {
                let text = texts[place] ?? []
                if program[place] == .end { return text }
                for step in program[place].silentSteps(from: place) where texts[step] == nil {
                    texts[step] = text
                    next.append(step)
                }
                guard case .take(let set) = program[place], texts[place + 1] == nil,
                    let byte = Self.nameBytes.first(where: set.contains)
                else { continue }
                texts[place + 1] = text + [byte]
                after.append(place + 1)
            }
            next = after
        }
        return nil
    }

    /// Whether each name that it matches is one that the wildcard `*.name` matches.
    func isWithin(below name: String, _ reach: WildcardReach) -> Bool {
        let wildcard = WildcardReader(Array(".\(name)".utf8), reach)
        var seen: Set<[Int]> = []
        var next = [[0, 0]]
        while let state = next.popLast() {
            guard seen.insert(state).inserted else { continue }
            let (place, progress) = (state[0], state[1])
            if program[place] == .end {
                if !wildcard.accepts(progress) { return false }
                continue
            }
            next += program[place].silentSteps(from: place).map { [$0, progress] }
            guard case .take(let set) = program[place] else { continue }
            for byte in Self.nameBytes where set.contains(byte) {
                next.append([place + 1, wildcard.progress(progress, reading: byte)])
            }
        }
        return true
    }
}

extension Instruction {
    /// Where it leads without taking a byte.
    fileprivate func silentSteps(from place: Int) -> [Int] {
        switch self {
        case .take, .end: []
        case .jump(let target): [target]
        case .fork(let first, let second): [first, second]
        case .mark: [place + 1]
        }
    }
}

/// How much of a wildcard's name the end of what was read so far is.
private struct WildcardReader {
    /// With the dot in front.
    private let suffix: [UInt8]
    private let reach: WildcardReach
    /// Of so many bytes of the suffix, what remains matched when the next one does not (Knuth, Morris
    /// and Pratt's).
    private var shorter: [Int]

    init(_ suffix: [UInt8], _ reach: WildcardReach) {
        self.suffix = suffix
        self.reach = reach
        shorter = [0, 0]
        for end in suffix.indices.dropFirst() {
            var length = shorter[end]
            while length > 0, suffix[length] != suffix[end] { length = shorter[length] }
            shorter.append(suffix[length] == suffix[end] ? length + 1 : 0)
        }
    }

    func accepts(_ progress: Int) -> Bool { progress == suffix.count }

    func progress(_ before: Int, reading byte: UInt8) -> Int {
        var length = before
        if reach == .oneLabel {
            // Behind the first dot there is only one way; beyond the suffix there is none.
            if length == 0 { return byte == suffix[0] ? 1 : 0 }
            return length < suffix.count && suffix[length] == byte ? length + 1 : suffix.count + 1
        }
        while length == suffix.count || length > 0 && suffix[length] != byte {
            length = shorter[length]
        }
        return suffix[length] == byte ? length + 1 : 0
    }
}
