// SPDX-License-Identifier: Apache-2.0

public import Balancing

/// What made an endpoint's health change, in the words of the log.
public enum HealthCause: String, Hashable, Sendable, CaseIterable {
    /// Active checks.
    case check
    /// Connects of clients that failed.
    case connectFailures = "connect_failures"
    /// The time of an ejection is over.
    case ejectionOver = "ejection_over"
    /// The endpoint reset many connections at once.
    case resetBurst = "reset_burst"
    /// Several connections repeat themselves, and the endpoint does not answer any.
    case silence
}

/// An endpoint's health became another.
public struct HealthTransition: Hashable, Sendable {
    /// The endpoint's place in its cluster.
    public var endpoint: Int
    /// Before.
    public var before: EndpointHealth
    /// Now.
    public var after: EndpointHealth
    /// What made it so.
    public var cause: HealthCause
    /// What went wrong last; nil: nothing yet.
    public var lastError: String?
    /// How long it is out, if it is for a time.
    public var time: Duration?
}
