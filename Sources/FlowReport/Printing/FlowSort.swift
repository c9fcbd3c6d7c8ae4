// SPDX-License-Identifier: Apache-2.0

public import Datapath
internal import WireTypes

/// What a listing is ordered by. Flows that are equal in it come in the order of their clients, so
/// that two listings of the same flows look the same.
public enum FlowSort: String, Sendable, CaseIterable {
    /// Client's address and port.
    case client
    /// Endpoint's address and port.
    case endpoint
    /// Listener's name.
    case listener
    /// SNI; flows without one come first.
    case sni
    /// Cluster's name.
    case cluster
    /// State, in the order of a connection's life.
    case state
    /// Spliced, then relayed by reason.
    case mode
    /// Oldest first.
    case age
    /// Longest idle first.
    case idle
    /// Most bytes first.
    case bytes
    /// Most packets first.
    case packets

    /// The flows in this order. Numbers begin with the largest, all else with the smallest.
    public func sorted(_ flows: [Flow], now: UInt64, isReversed: Bool = false) -> [Flow] {
        let order = indices(flows, now: now)
        return (isReversed ? order.reversed() : order).map { flows[$0] }
    }

    private func indices(_ flows: [Flow], now: UInt64) -> [Int] {
        switch self {
        case .client: Self.order(flows) { $0.client }
        case .endpoint: Self.order(flows) { $0.endpoint }
        case .listener: Self.order(flows) { $0.listener }
        case .sni: Self.order(flows) { $0.serverName ?? "" }
        case .cluster: Self.order(flows) { $0.cluster }
        case .state: Self.order(flows) { FlowState.allCases.firstIndex(of: $0.state) ?? 0 }
        case .mode: Self.order(flows) { $0.relayReason?.rawValue ?? "" }
        case .age: Self.order(flows) { .max - FlowQuantity.age.value(of: $0, now: now) }
        case .idle: Self.order(flows) { .max - FlowQuantity.idle.value(of: $0, now: now) }
        case .bytes: Self.order(flows) { .max - FlowQuantity.bytes.value(of: $0, now: now) }
        case .packets: Self.order(flows) { .max - FlowQuantity.packets.value(of: $0, now: now) }
        }
    }

    /// Keys are taken out once: a flow is much larger than its key.
    private static func order<Key: Comparable>(_ flows: [Flow], by key: (Flow) -> Key) -> [Int] {
        let keys = flows.indices.map { (key: key(flows[$0]), index: $0) }
        return keys.sorted { left, right in
            if left.key != right.key { return left.key < right.key }
            return precedes(flows[left.index], flows[right.index])
        }.map(\.index)
    }

    private static func precedes(_ left: Flow, _ right: Flow) -> Bool {
        if left.client != right.client { return left.client < right.client }
        return left.listenerAddress < right.listenerAddress
    }
}
