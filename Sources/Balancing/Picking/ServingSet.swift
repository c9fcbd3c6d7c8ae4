// SPDX-License-Identifier: Apache-2.0

/// Which endpoints get connections at the moment, and by what table: immutable, made anew with
/// each change.
///
/// Priority levels are asked in order; the first of which enough is well serves. When none is, all
/// endpoints serve whatever their health: a wrong check must not take everything away. Without
/// ``Balance/triesUnwell`` those serve then that are well, of whatever level.
final class ServingSet: Sendable {
    let version: UInt64
    /// Whether health is disregarded, since too few are well.
    let isPanic: Bool
    /// Whether the endpoint at that place gets connections.
    let isOpen: [Bool]
    /// The places of those that do.
    let members: [UInt16]
    /// The places of those that are well and of other levels, by level: for connections that all
    /// members refused.
    let reserve: [UInt16]
    /// Effective weights; 0: gets none.
    let weights: [Int]
    /// Sum of them.
    let weightSum: Int
    /// When each came back, if its share still rises; empty when no share does.
    let warmingSince: [UInt64?]
    /// Places of those whose share rises.
    let warming: [UInt16]
    let table: PickTable

    init(
        _ fixed: EndpointStates.Fixed, _ states: [EndpointState], _ tables: inout PickTables,
        version: UInt64
    ) {
        self.version = version
        let level = Self.level(fixed, states)
        let wanted = states.indices.filter { index in
            states[index].isWanted && (level == nil || fixed.endpoints[index].priority == level)
        }
        let isAll = level == nil && fixed.balance.triesUnwell
        let open = isAll ? wanted : wanted.filter { states[$0].isAvailable }
        isPanic = isAll && !wanted.isEmpty
        members = open.map { UInt16($0) }
        let others = states.indices.filter { index in
            level != nil && fixed.endpoints[index].priority != level && states[index].isAvailable
        }
        reserve = others.map { (fixed.endpoints[$0].priority, $0) }.sorted { $0 < $1 }
            .map { UInt16($0.1) }
        var weights = [Int](repeating: 0, count: states.count)
        for index in open { weights[index] = states[index].weight }
        self.weights = weights
        weightSum = weights.reduce(0, +)
        isOpen = weights.map { $0 > 0 }
        let rising = open.filter { states[$0].warmingSince != nil }
        // When all of them rise, none has to give way to another.
        let warming = rising.count == open.count ? [] : rising.map { UInt16($0) }
        self.warming = warming
        warmingSince = warming.isEmpty ? [] : states.map(\.warmingSince)
        // A hash must not move because another endpoint fell ill: such tables hold the whole level.
        let isWhole = fixed.balance.policy.isHashing || open.count * 4 >= wanted.count
        var shares = [Int](repeating: 0, count: states.count)
        for index in states.indices where states[index].weight > 0 {
            let isOfLevel = level == nil || fixed.endpoints[index].priority == level
            if isOfLevel, isWhole || weights[index] > 0 { shares[index] = states[index].weight }
        }
        table = tables.table(fixed, shares)
    }

    /// The priority level that serves; nil: none is well enough.
    private static func level(_ fixed: EndpointStates.Fixed, _ states: [EndpointState]) -> Int? {
        var levels: [Int: (wanted: Int, well: Int)] = [:]
        for (endpoint, state) in zip(fixed.endpoints, states) where state.isWanted {
            levels[endpoint.priority, default: (0, 0)].wanted += 1
            if state.isAvailable { levels[endpoint.priority, default: (0, 0)].well += 1 }
        }
        return levels.keys.sorted().first { priority in
            guard let (wanted, well) = levels[priority] else { return false }
            return well > 0 && well * 100 >= fixed.balance.panicThreshold * wanted
        }
    }

    /// Weights of those whose share does not rise.
    var steadyWeights: [Int] {
        var steady = weights
        for index in warming { steady[Int(index)] = 0 }
        return steady
    }
}
