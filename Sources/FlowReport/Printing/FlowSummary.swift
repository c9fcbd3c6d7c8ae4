// SPDX-License-Identifier: Apache-2.0

public import Datapath

/// How many flows there are of each kind.
public struct FlowSummary: Sendable, Equatable {
    private var states: [FlowState: UInt64] = [:]
    private var reasons: [RelayReason: UInt64] = [:]
    private var flows: UInt64 = 0

    /// No flow yet.
    public init() {}

    /// Counts one flow.
    public mutating func count(_ flow: Flow) {
        flows += 1
        states[flow.state, default: 0] += 1
        if let reason = flow.relayReason { reasons[reason, default: 0] += 1 }
    }

    /// All numbers in a fixed order; names stay the same over releases.
    public var numbers: [NamedNumber] {
        let relayed = reasons.values.reduce(0, +)
        return [
            NamedNumber(name: "flows", value: flows),
            NamedNumber(name: "spliced", value: flows - relayed),
            NamedNumber(name: "relayed", value: relayed),
        ]
            + FlowState.allCases.map { NamedNumber(name: $0.rawValue, value: states[$0] ?? 0) }
            + RelayReason.allCases.map {
                NamedNumber(name: "relayed-\($0.rawValue)", value: reasons[$0] ?? 0)
            }
    }
}
