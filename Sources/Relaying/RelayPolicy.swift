// SPDX-License-Identifier: Apache-2.0

public import TLSClassifier
public import WireTypes

/// What is known of a client when the policy is asked.
public enum HelloOutcome: Sendable, Equatable {
    /// What the bytes so far amount to; too large a hello is one of the cases.
    case classified(Classification)
    /// The hello was not complete in time.
    case timedOut
    /// The client sent FIN before its hello was complete.
    case ended
}

/// What becomes of a client.
public enum RelayDecision: Sendable {
    /// Relay it; the bytes read so far are sent first, unchanged.
    case relay(RelayPlan)
    /// Turn it away.
    case reject(RejectAction)
    /// Ask again with more bytes. After the last word (`timedOut`, `ended`, a classification that
    /// stays) it means: close.
    case needMore
}

/// The routing that the daemon gives to its relay. Called on the relay's thread: must be quick.
public protocol RelayPolicy: Sendable {
    /// Whether a client that a listening socket accepted may stay; else it is reset at once.
    func admits(listener: UInt16, tuple: FlowTuple) -> Bool
    /// Decides about the client of `tuple` (client → listener address), asked after each read.
    func decide(listener: UInt16, tuple: FlowTuple, outcome: HelloOutcome) -> RelayDecision
}

extension RelayPolicy {
    /// All may.
    public func admits(listener: UInt16, tuple: FlowTuple) -> Bool { true }
}
