// SPDX-License-Identifier: Apache-2.0

internal import CNameResolver
public import WireTypes

/// Asks the resolver of the C library, or one server, for the addresses of a name.
public struct NameLookup: Sendable {
    /// An IPv4 address and port to ask; nil: those of resolv.conf, and the file of hosts.
    private let server: TransportAddress?

    /// Room for an answer that came by TCP.
    private static let room = 65536

    /// Asks `server`, which has to be of IPv4.
    public init(server: TransportAddress? = nil) {
        precondition(server?.address.isIPv4 != false)
        self.server = server
    }

    /// All addresses of a name, IPv4 and IPv6; nil: nobody answered who knows. Blocks, for some
    /// seconds at most.
    public func look(for name: String) -> NameAnswer? {
        guard let four = ask(name, 1), let six = ask(name, 28) else { return hosts(name) }
        let answers = [four, six].filter { !$0.addresses.isEmpty }
        guard !answers.isEmpty else { return hosts(name) ?? NameAnswer.none }
        return NameAnswer(
            addresses: answers.flatMap(\.addresses),
            timeToLive: answers.map(\.timeToLive).min() ?? 0)
    }

    private func ask(_ name: String, _ type: Int32) -> NameAnswer? {
        var bytes = [UInt8](repeating: 0, count: Self.room)
        let address = server?.address.v4 ?? 0
        // The resolver writes at most `count` bytes during the call.
        let length = unsafe bytes.withUnsafeMutableBufferPointer {
            unsafe query_name(name, type, address, server?.port ?? 0, $0.baseAddress, $0.count)
        }
        if length == 0 { return NameAnswer.none }
        guard length > 0 else { return nil }
        return NameAnswer(reading: bytes.span.extracting(first: Int(length)))
    }

    /// Those of the file of hosts, which say nothing of how long they hold.
    private func hosts(_ name: String) -> NameAnswer? {
        guard server == nil else { return nil }
        let most = 64
        var bytes = [UInt8](repeating: 0, count: 16 * most)
        // The call writes at most `most` addresses of 16 bytes.
        let count = unsafe bytes.withUnsafeMutableBufferPointer {
            unsafe host_addresses(name, $0.baseAddress, Int32(most))
        }
        guard count > 0 else { return nil }
        let addresses = (0..<Int(count)).map { index in
            func half(_ start: Int) -> UInt64 {
                bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) }
            }
            return IPAddress(high: half(16 * index), low: half(16 * index + 8))
        }
        return NameAnswer(addresses: addresses, timeToLive: 10)
    }
}
