// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// A name whose addresses are endpoints, all on one port.
public struct EndpointName: Hashable, Sendable, CustomStringConvertible {
    /// As DNS has it, lower case, without a dot at its end.
    public let name: String
    /// Where its addresses listen.
    public let port: UInt16

    /// A name and a port.
    public init(name: String, port: UInt16) {
        self.name = name
        self.port = port
    }

    /// `db.internal:5432`
    public var description: String { "\(name):\(port)" }
}

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
