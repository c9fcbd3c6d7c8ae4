// SPDX-License-Identifier: Apache-2.0

/// How a cluster chooses among its endpoints.
public enum BalancePolicy: String, Hashable, Sendable, CaseIterable {
    /// Each in turn, by weight, as far apart as can be.
    case roundRobin = "round_robin"
    /// The one with the fewest connections for its weight, spliced and relayed; of equals in turn.
    case leastConnections = "least_connections"
    /// Of two at random, by weight, the one with fewer connections for its weight.
    case randomOfTwo = "random_of_two"
    /// ``maglev`` by the client's address, whatever ``HashKey`` says.
    case sourceHash = "source_hash"
    /// By a table (Eisenbud et al., NSDI 2016, §3.4) that is the same on every balancer.
    case maglev
    /// By a hash ring whose endpoints take a bounded share of all connections (Mirrokni et al.,
    /// "Consistent Hashing with Bounded Loads", 2016).
    case ring
    /// Of two at random the one that answers sooner: its usual time to connect times its
    /// connections.
    case leastTime = "least_time"

    /// Whether the same client gets the same endpoint.
    public var isHashing: Bool { [.sourceHash, .maglev, .ring].contains(self) }
}

/// What of a client is hashed.
public enum HashKey: String, Hashable, Sendable, CaseIterable {
    /// Its address.
    case source
    /// Its address and port: every connection anew.
    case sourcePort = "source_port"
    /// The server name that it asks for; its address when it names none.
    case serverName = "sni"
}

/// How new connections are shared out within a cluster.
public struct Balance: Hashable, Sendable {
    /// How endpoints are chosen.
    public var policy = BalancePolicy.roundRobin
    /// What of a client is hashed, where the policy hashes.
    public var hashKey = HashKey.source
    /// Slots of the Maglev table: a prime, at least as many as endpoints.
    public var tableSize = 65537
    /// The most connections of an endpoint of the ring, in percent of its fair share: 101 or more.
    public var loadFactor = 125
    /// How long the share of an endpoint that came back rises; zero: it has its share at once.
    public var slowStart = Duration.zero
    /// Percent of a priority level that must be healthy for it to serve; 0: one endpoint is enough.
    public var panicThreshold = 0

    /// Whether endpoints are used whatever their health when no priority level is well enough.
    public var triesUnwell = true

    /// The defaults.
    public init() {}

    /// The largest of a cluster that the datapath shares out itself.
    public static let largestPlainTable = 65537
    /// The largest table size.
    public static let largestTable = 5_000_011

    /// Whether a table may have so many slots.
    public static func isPrime(_ number: Int) -> Bool {
        guard number > 1 else { return false }
        var divisor = 2
        while divisor * divisor <= number {
            if number.isMultiple(of: divisor) { return false }
            divisor += 1
        }
        return true
    }
}
