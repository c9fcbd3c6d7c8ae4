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
    /// It said nothing for as long as its listener's manner allows.
    case silent
    /// It had to begin with a PROXY header and did not.
    case withoutPreface
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

/// How the first bytes of a client are dealt with.
public struct RelayManner: Sendable, Equatable {
    /// Whether it has to begin with a PROXY header.
    public var expectsPreface = false
    /// How long it may say nothing before the policy is asked where it goes all the same; nil: as
    /// long as a hello may take; zero: it is asked at once, and nothing is read.
    public var patience: Duration?
    /// How long it may take to send its hello.
    public var helloTimeout: Duration = .seconds(10)
    /// Bytes of a hello, records included.
    public var helloSize = 16384

    /// A hello is awaited.
    public init() {}
}

/// The routing that the daemon gives to its relay. Called on the relay's thread: must be quick.
public protocol RelayPolicy: Sendable {
    /// Whether a client that a listening socket accepted may stay; else it is reset at once.
    func admits(listener: UInt16, tuple: FlowTuple) -> Bool
    /// Decides about the client of `tuple` (client → listener address), asked after each read.
    /// `named`: whom a PROXY header named; the tuple itself without one.
    func decide(
        listener: UInt16, tuple: FlowTuple, named: FlowTuple, outcome: HelloOutcome
    ) -> RelayDecision

    /// Whether an address is one of this host's.
    func isOfThisHost(_ address: IPAddress) -> Bool

    /// How the first bytes of a client from an address are dealt with.
    func manner(listener: UInt16, source: IPAddress) -> RelayManner
}

extension RelayPolicy {
    /// A hello is awaited.
    public func manner(listener: UInt16, source: IPAddress) -> RelayManner { RelayManner() }
}

extension RelayPolicy {
    /// Only loopback addresses are known without asking.
    public func isOfThisHost(_ address: IPAddress) -> Bool { address.isLoopback }
}

extension RelayPolicy {
    /// All may.
    public func admits(listener: UInt16, tuple: FlowTuple) -> Bool { true }
}
