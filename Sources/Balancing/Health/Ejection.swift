// SPDX-License-Identifier: Apache-2.0

/// When an endpoint is taken out because clients' own connections to it failed.
public struct Ejection: Hashable, Sendable {
    /// Failed connects in a row that take an endpoint out, 1 or more.
    public var failures = 5
    /// How long it is out the first time; the n-th time in short order n times as long.
    public var base = Duration.seconds(30)
    /// The most endpoints that may be out, percent of the cluster, 1…100. Those that checks found
    /// down count among them.
    public var maxShare = 50

    /// The defaults.
    public init() {}

    /// The most multiples of `base` that an endpoint is out.
    public static let longest = 10
}

/// What becomes of the spliced and relayed connections of an endpoint that checks found down.
public enum DownAction: String, Hashable, Sendable, CaseIterable {
    /// They go on: if it lives after all, nobody notices.
    case keep
    /// Both ends get an RST, 10,000 connections a second.
    case reset
    /// The same, 500 a second.
    case resetSlowly = "reset_slowly"
}

/// What becomes of clients of a cluster of which no endpoint may get connections.
public enum EmptyAction: Hashable, Sendable {
    /// Health is disregarded; only where no endpoint is wanted (all drain, or have weight 0), they
    /// get an RST.
    case tryAll
    /// They are turned away.
    case reject(RejectPolicy)
    /// They go to the cluster at that place of the configuration's list.
    case cluster(Int)
}
