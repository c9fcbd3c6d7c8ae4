// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// What of a client may decide which endpoint it gets.
public struct ClientKey: Sendable {
    /// Where it connects from.
    public var source: TransportAddress
    /// The server name that it asks for.
    public var serverName: ServerName?

    /// A client.
    public init(source: TransportAddress, serverName: ServerName? = nil) {
        self.source = source
        self.serverName = serverName
    }

    /// The same on every balancer and after every start.
    func hash(by key: HashKey) -> UInt64 {
        switch key {
        case .source: StableHash.of(source.address)
        case .sourcePort: StableHash.of(source)
        case .serverName: serverName.map(StableHash.of) ?? StableHash.of(source.address)
        }
    }
}

/// Hashes that do not change from process to process, as Swift's own do.
enum StableHash {
    /// 2⁶⁴ divided by the golden ratio: its multiples are spread evenly.
    static let step: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// Every bit of the result depends on every bit of `value` (the finaliser of SplitMix64).
    static func mix(_ value: UInt64) -> UInt64 {
        var value = value &+ step
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    static func of(_ address: IPAddress) -> UInt64 { mix(mix(address.high) ^ address.low) }

    static func of(_ address: TransportAddress) -> UInt64 {
        mix(of(address.address) ^ UInt64(address.port))
    }

    /// FNV-1a, then mixed.
    static func of(_ name: ServerName) -> UInt64 {
        let text = name.text.utf8
        let bytes = text.span
        var hash = NameHash()
        for index in bytes.indices { hash.add(bytes[index]) }
        return mix(hash.value)
    }

    /// A number below `count`, in proportion to the hash: without division.
    static func place(_ hash: UInt64, below count: Int) -> Int {
        Int(hash.multipliedFullWidth(by: UInt64(count)).high)
    }
}
