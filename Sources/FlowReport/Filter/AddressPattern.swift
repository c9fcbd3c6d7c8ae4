// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// Which addresses a filter means: `10.0.0.0/8`, `10.0.0.1`, `10.0.0.1:443`, `port 443`.
public enum AddressPattern: Sendable, Equatable {
    /// Any port of a block of addresses; a lone address is a block of one.
    case block(AddressBlock)
    /// One address and port.
    case exact(TransportAddress)
    /// One port of any address.
    case port(UInt16)

    /// What `init(_:)` takes, for messages.
    static let accepted =
        "an address (10.0.0.1, 2001:db8::1), a block (10.0.0.0/8), an address and port "
        + "(10.0.0.1:443, [2001:db8::1]:443), or \"port 443\""

    /// The block, or address and port, in `text`; nil when it is none.
    public init?(_ text: String) {
        if let address = TransportAddress(text) {
            self = .exact(address)
        } else if let block = AddressBlock(text) {
            self = .block(block)
        } else {
            return nil
        }
    }

    /// Whether `address` is meant.
    public func matches(_ address: TransportAddress) -> Bool {
        switch self {
        case .block(let block): block.contains(address.address)
        case .exact(let exact): exact == address
        case .port(let port): port == address.port
        }
    }
}
