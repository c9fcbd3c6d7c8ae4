// SPDX-License-Identifier: Apache-2.0

public import Datapath
internal import WireTypes

/// Which flows a listing shows: a value, made from text by `init(_:)` and asked once a flow.
///
/// Words, loosest first: `or`, `and`, `not`; parentheses group.
public enum FlowFilter: Sendable, Equatable {
    /// The SNI matches; a flow without one never does.
    case serverName(Glob)
    /// The client's address.
    case client(AddressPattern)
    /// The endpoint's address.
    case endpoint(AddressPattern)
    /// Our own side towards the endpoint.
    case balancer(AddressPattern)
    /// The address that the client connected to.
    case listenerAddress(AddressPattern)
    /// The listener's name.
    case listenerName(Glob)
    /// A port of any of the four addresses.
    case port(UInt16)
    /// The cluster's name.
    case cluster(Glob)
    /// The state.
    case state(FlowState)
    /// Spliced, or else relayed.
    case isSpliced(Bool)
    /// Relayed for this reason.
    case reason(RelayReason)
    /// A number of the flow.
    case quantity(FlowQuantity, Comparison, UInt64)
    /// None of it.
    indirect case not(FlowFilter)
    /// Every one; all flows when empty.
    case all([FlowFilter])
    /// At least one.
    case any([FlowFilter])

    /// Whether `flow` is meant; `now` is CLOCK_MONOTONIC in nanoseconds. Does not allocate.
    public func matches(_ flow: Flow, now: UInt64) -> Bool {
        switch self {
        case .serverName(let glob): flow.serverName.map(glob.matches) ?? false
        case .client(let pattern): pattern.matches(flow.client)
        case .endpoint(let pattern): pattern.matches(flow.endpoint)
        case .balancer(let pattern): pattern.matches(flow.balancerAddress)
        case .listenerAddress(let pattern): pattern.matches(flow.listenerAddress)
        case .listenerName(let glob): glob.matches(flow.listener)
        case .port(let port): Self.uses(port, flow)
        case .cluster(let glob): glob.matches(flow.cluster)
        case .state(let state): flow.state == state
        case .isSpliced(let isSpliced): (flow.relayReason == nil) == isSpliced
        case .reason(let reason): flow.relayReason == reason
        case .quantity(let quantity, let comparison, let limit):
            comparison.holds(quantity.value(of: flow, now: now), limit)
        case .not(let filter): !filter.matches(flow, now: now)
        case .all(let filters): filters.allSatisfy { $0.matches(flow, now: now) }
        case .any(let filters): filters.contains { $0.matches(flow, now: now) }
        }
    }

    private static func uses(_ port: UInt16, _ flow: Flow) -> Bool {
        flow.client.port == port || flow.listenerAddress.port == port
            || flow.endpoint.port == port || flow.balancerAddress.port == port
    }
}
