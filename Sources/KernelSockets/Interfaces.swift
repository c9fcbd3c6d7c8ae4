// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc
public import WireTypes

/// A network interface of this namespace.
public struct NetworkInterface: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// Its index.
    public let index: UInt32
    /// Bytes of layer 3 that it carries.
    public let mtu: Int
    /// Whether packets have no link header (tun, WireGuard).
    public let isRaw: Bool
    /// Its addresses.
    public private(set) var addresses: [IPAddress]

    private static let ethernet: Int32 = 1
    private static let loopback: Int32 = 772

    /// The interface called `name`, or nil.
    public init?(name: String) {
        let index = unsafe if_nametoindex(name)
        guard index != 0 else { return nil }
        self.init(name: name, index: index)
    }

    /// The interface with `index`, or nil.
    public init?(index: UInt32) {
        // The kernel writes at most IF_NAMESIZE bytes, the terminator included.
        var buffer = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
        guard unsafe if_indextoname(index, &buffer) != nil else { return nil }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        self.init(name: String(decoding: bytes, as: UTF8.self), index: index)
    }

    private init?(name: String, index: UInt32) {
        let mtu = unsafe interface_mtu(name)
        let type = unsafe interface_hardware_type(name)
        // It may go while it is asked.
        guard mtu >= 0, type >= 0 else { return nil }
        self.name = name
        self.index = index
        self.mtu = Int(mtu)
        isRaw = type != Self.ethernet && type != Self.loopback
        addresses = Self.allAddresses().filter { $0.name == name }.map(\.address)
    }

    /// Offloads that are on and make one packet of several in a way that only the head of it can be
    /// translated, by the names of ethtool(8).
    public var harmfulOffloads: [String] {
        ["rx-lro", "rx-gro-list"].filter { unsafe interface_feature(name, $0) == 1 }
    }

    /// The same without its addresses: what is left to know of one that is gone.
    public var withoutAddresses: NetworkInterface {
        var interface = self
        interface.addresses = []
        return interface
    }

    /// Names of all interfaces.
    public static var names: [String] {
        var seen: Set<String> = []
        return allAddresses(withPackets: true).map(\.name).filter { seen.insert($0).inserted }
    }

    /// All addresses of this host.
    public static var hostAddresses: [IPAddress] { allAddresses().map(\.address) }

    private static func allAddresses(withPackets: Bool = false) -> [(
        name: String, address: IPAddress
    )] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [] }
        // The list is the C library's until freeifaddrs below; each entry is read before that.
        defer { unsafe freeifaddrs(list) }
        var found: [(name: String, address: IPAddress)] = []
        var next = unsafe list
        while let entry = unsafe next {
            unsafe next = entry.pointee.ifa_next
            let name = unsafe String(cString: entry.pointee.ifa_name)
            guard let raw = unsafe entry.pointee.ifa_addr else { continue }
            switch Int32(unsafe raw.pointee.sa_family) {
            case AF_INET:
                let value = unsafe UnsafeRawPointer(raw).loadUnaligned(as: sockaddr_in.self)
                found.append((name, IPAddress(v4: UInt32(bigEndian: value.sin_addr.s_addr))))
            case AF_INET6:
                let value = unsafe UnsafeRawPointer(raw).loadUnaligned(as: sockaddr_in6.self)
                let words = unsafe value.sin6_addr.__in6_u.__u6_addr32
                found.append(
                    (
                        name,
                        IPAddress(
                            high: UInt64(UInt32(bigEndian: words.0)) << 32
                                | UInt64(UInt32(bigEndian: words.1)),
                            low: UInt64(UInt32(bigEndian: words.2)) << 32
                                | UInt64(UInt32(bigEndian: words.3)))
                    ))
            default:
                if withPackets { found.append((name, .anyIPv4)) }
            }
        }
        return found
    }
}

/// The kernel's choice of source address towards `destination`, or nil without a route.
///
/// Asks by connecting a UDP socket, which sends nothing.
public func sourceAddress(towards destination: TransportAddress) -> IPAddress? {
    let number = socket(destination.family, Int32(SOCK_DGRAM.rawValue), 0)
    guard number >= 0 else { return nil }
    defer { close(number) }
    let result = unsafe destination.withSocketAddress { address, length in
        unsafe connect(number, address, length)
    }
    guard result == 0 else { return nil }
    let local = unsafe TransportAddress.filled { address, length in
        unsafe getsockname(number, address, length)
    }
    return local.address?.address
}
