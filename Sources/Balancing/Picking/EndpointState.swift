// SPDX-License-Identifier: Apache-2.0

/// What people want of an endpoint.
public enum Administration: String, Hashable, Sendable, CaseIterable {
    /// It serves when it is well.
    case up
    /// It gets no new connections; those that it has go on.
    case draining
    /// It does not serve, whatever checks find.
    case forcedDown = "forced_down"
    /// It serves, whatever checks find.
    case forcedUp = "forced_up"
}

/// What is known of an endpoint's health.
public enum EndpointHealth: String, Hashable, Sendable, CaseIterable {
    /// Nobody has looked yet: taken for well.
    case unknown
    /// It waits for its first check, and does not serve before that.
    case waiting
    /// A check found it well.
    case up
    /// Its own connections say that something is wrong: it serves until a check says so too.
    case suspect
    /// A check found it not to answer.
    case down
    /// Its own connections failed too often: out for a while.
    case ejected

    /// Whether it may get connections.
    public var isWell: Bool { [.unknown, .up, .suspect].contains(self) }
}

/// One endpoint of a cluster as those who change it see it.
public struct EndpointState: Hashable, Sendable {
    /// What people want of it.
    public var administration = Administration.up
    /// What is known of its health.
    public var health = EndpointHealth.unknown
    /// Its share of new connections relative to the others, 0…65535; 0: none.
    public var weight: Int
    /// When it came back, CLOCK_MONOTONIC nanoseconds, if its share still rises from there.
    public internal(set) var warmingSince: UInt64?

    /// Whether it would get connections if it were well.
    var isWanted: Bool { [.up, .forcedUp].contains(administration) && weight > 0 }

    /// Whether it may get connections.
    var isAvailable: Bool { isWanted && (administration == .forcedUp || health.isWell) }
}
