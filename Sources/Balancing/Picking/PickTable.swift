// SPDX-License-Identifier: Apache-2.0

/// What a policy looks up.
enum PickTable: Sendable {
    /// Endpoints in the order of their turns, each as often as its weight says.
    case turns([UInt16])
    /// Slots of a Maglev table.
    case slots([UInt16])
    /// Points of a ring.
    case ring(HashRing)
    /// Nothing: the endpoints themselves.
    case none
}

/// Tables that were made last, by weights: an endpoint that comes and goes needs no new ones.
struct PickTables {
    private var recent: [(weights: [Int], table: PickTable)] = []

    /// The table for these weights; 0: is not in it.
    mutating func table(_ fixed: EndpointStates.Fixed, _ weights: [Int]) -> PickTable {
        if let known = recent.firstIndex(where: { $0.weights == weights }) {
            let entry = recent.remove(at: known)
            recent.append(entry)
            return entry.table
        }
        let table = Self.make(fixed, weights)
        recent.append((weights, table))
        if recent.count > 4 { recent.removeFirst() }
        return table
    }

    private static func make(_ fixed: EndpointStates.Fixed, _ weights: [Int]) -> PickTable {
        let entries = weights.indices.map { index in
            MaglevTable.Entry(
                index: UInt16(index), address: fixed.endpoints[index].address,
                weight: weights[index])
        }
        switch fixed.balance.policy {
        case .roundRobin, .randomOfTwo, .leastTime:
            return .turns(SmoothCycle.steps(weights: weights))
        case .sourceHash, .maglev:
            return .slots(MaglevTable.slots(entries, size: fixed.balance.tableSize))
        case .ring: return .ring(HashRing(entries))
        case .leastConnections: return .none
        }
    }
}
