// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// One address, port and weight in a cluster.
public struct Endpoint: Hashable, Sendable {
    /// Where it listens.
    public let address: TransportAddress
    /// Its share of new connections relative to the others, 1…65535.
    public let weight: Int

    /// An endpoint.
    public init(address: TransportAddress, weight: Int = 1) {
        self.address = address
        self.weight = weight
    }
}
