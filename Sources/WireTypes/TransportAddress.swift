// SPDX-License-Identifier: Apache-2.0

/// A TCP port that can be connected to: 1…65535, host order.
public struct Port: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number.
    public let rawValue: UInt16

    /// The port `rawValue`, or nil for 0.
    public init?(_ rawValue: UInt16) {
        guard rawValue != 0 else { return nil }
        self.rawValue = rawValue
    }

    /// The port written in decimal; nil for anything but 1…65535 in plain digits.
    public init?(text: some StringProtocol) {
        guard text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
            let number = UInt16(text), number != 0
        else { return nil }
        rawValue = number
    }

    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// Orders by number.
    public static func < (left: Port, right: Port) -> Bool { left.rawValue < right.rawValue }
}

/// An IP address and a TCP port.
public struct TransportAddress: Hashable, Sendable, Comparable, CustomStringConvertible,
    LosslessStringConvertible
{
    /// The IP address.
    public let address: IPAddress
    /// The port in host order; 0 is kept as it came, packets may carry it.
    public let port: UInt16

    /// An address and a port in host order.
    public init(_ address: IPAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    /// The address written as `192.0.2.1:443` or `[2001:db8::1]:443`, port 1…65535; nil otherwise.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = Port(text: text[text.index(after: colon)...])
        else { return nil }
        var host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(String(host)), host.contains(":") == isBracketed
        else { return nil }
        self.init(address, port.rawValue)
    }

    /// `192.0.2.1:443` or `[2001:db8::1]:443`.
    public var description: String {
        address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }

    /// Orders by address, then port.
    public static func < (left: TransportAddress, right: TransportAddress) -> Bool {
        left.address != right.address ? left.address < right.address : left.port < right.port
    }
}

/// One direction of a TCP connection as its packets name it.
public struct FlowTuple: Hashable, Sendable, CustomStringConvertible {
    /// Where its packets come from.
    public let source: TransportAddress
    /// Where its packets go to.
    public let destination: TransportAddress

    /// A tuple of TCP.
    public init(source: TransportAddress, destination: TransportAddress) {
        self.source = source
        self.destination = destination
    }

    /// Hashes two words and not eighteen: a worker looks a client up several times a connection.
    ///
    /// Whoever chooses tuples must not choose where they fall, so the words are folded by products
    /// with numbers that this process drew.
    public func hash(into hasher: inout Hasher) {
        let ports = UInt64(source.port) << 16 | UInt64(destination.port)
        hasher.combine(
            HashKeys.fold(source.address.high, source.address.low ^ ports << 32, HashKeys.source)
                ^ HashKeys.fold(
                    destination.address.high, destination.address.low ^ ports,
                    HashKeys.destination))
    }

    /// The tuple of the packets that answer.
    public var reversed: FlowTuple { FlowTuple(source: destination, destination: source) }

    /// `192.0.2.7:50000 → 192.0.2.1:443`.
    public var description: String { "\(source) → \(destination)" }
}

/// A block of addresses, `10.0.0.0/8` or `2001:db8::/32`; a lone address is a block of one.
public struct AddressBlock: Hashable, Sendable, CustomStringConvertible, LosslessStringConvertible {
    /// The first address.
    public let base: IPAddress
    /// How many leading bits are fixed: 0…32 or 0…128.
    public let prefixLength: Int

    /// The block written as an address, or as address/length; host bits are cleared.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(String(parts[0])) else { return nil }
        let longest = address.isIPv4 ? 32 : 128
        var length = longest
        if parts.count == 2 {
            guard parts[1].utf8.first.map(Self.isDigit) == true, let number = Int(parts[1]),
                number <= longest
            else { return nil }
            length = number
        }
        base = Self.masked(address, length + (128 - longest))
        prefixLength = length
    }

    /// The block around an address; nil when the length is not 0…32 or 0…128. Host bits are cleared.
    public init?(around address: IPAddress, prefixLength: Int) {
        let longest = address.isIPv4 ? 32 : 128
        guard (0...longest).contains(prefixLength) else { return nil }
        base = Self.masked(address, prefixLength + (128 - longest))
        self.prefixLength = prefixLength
    }

    /// Whether `address` is of the same family and inside.
    public func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == base.isIPv4
            && Self.masked(address, prefixLength + (base.isIPv4 ? 96 : 0)) == base
    }

    /// `10.0.0.0/8`.
    public var description: String { "\(base)/\(prefixLength)" }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func masked(_ address: IPAddress, _ bits: Int) -> IPAddress {
        let high = bits >= 64 ? UInt64.max : ~(UInt64.max >> UInt64(bits))
        let low = bits <= 64 ? 0 : bits == 128 ? UInt64.max : ~(UInt64.max >> UInt64(bits - 64))
        return IPAddress(high: address.high & high, low: address.low & low)
    }
}

/// Numbers drawn once by this process, by which hashes of tuples are folded.
private enum HashKeys {
    static let source = (UInt64.random(in: 0 ... .max), UInt64.random(in: 0 ... .max))
    static let destination = (UInt64.random(in: 0 ... .max), UInt64.random(in: 0 ... .max))

    /// Both words, each keyed, as the two halves of their product.
    static func fold(_ high: UInt64, _ low: UInt64, _ keys: (UInt64, UInt64)) -> UInt64 {
        let product = (high ^ keys.0).multipliedFullWidth(by: low ^ keys.1)
        return product.high ^ product.low
    }
}
