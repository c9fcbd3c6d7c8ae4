// SPDX-License-Identifier: Apache-2.0

public import Datapath

/// Numbers of a flow that a filter compares and a sort orders by.
public enum FlowQuantity: String, Sendable, CaseIterable {
    /// Nanoseconds since its beginning.
    case age
    /// Nanoseconds since its last packet.
    case idle
    /// Payload bytes of both directions.
    case bytes
    /// Packets of both directions.
    case packets

    /// The number of `flow` at `now`, CLOCK_MONOTONIC in nanoseconds.
    ///
    /// A packet that came while the table was read is later than `now`: that counts as 0.
    public func value(of flow: Flow, now: UInt64) -> UInt64 {
        switch self {
        case .age: now - min(flow.createdNanoseconds, now)
        case .idle: now - min(flow.lastSeenNanoseconds, now)
        case .bytes: flow.upstream.bytes &+ flow.downstream.bytes
        case .packets: flow.upstream.packets &+ flow.downstream.packets
        }
    }

    var acceptedValue: String {
        switch self {
        case .age, .idle: Quantity.acceptedDuration
        case .bytes: Quantity.acceptedBytes
        case .packets: Quantity.acceptedCount
        }
    }

    func parse(_ text: String) -> UInt64? {
        switch self {
        case .age, .idle: Quantity.nanoseconds(text)
        case .bytes: Quantity.bytes(text)
        case .packets: Quantity.count(text)
        }
    }
}
