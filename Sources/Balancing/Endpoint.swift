// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// One address, port and weight in a cluster.
public struct Endpoint: Hashable, Sendable {
    /// Where it listens.
    public let address: TransportAddress
    /// Its share of new connections relative to the others, 0…65535; 0: none.
    public let weight: Int
    /// Its priority level, 0…255: higher numbers serve only when lower ones cannot.
    public let priority: Int
    /// The most connections of its address, whichever cluster they are of; nil: as many as come.
    public var maxConnections: Int?

    /// An endpoint.
    public init(address: TransportAddress, weight: Int = 1, priority: Int = 0) {
        self.address = address
        self.weight = weight
        self.priority = priority
    }
}
