// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc
public import WireTypes

/// A non-blocking TCP connection, or one to be; closed when its owner goes.
public struct TCPSocket: ~Copyable, Sendable {
    var descriptor: Descriptor

    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// A fresh socket of the family of `address`.
    init(familyOf address: TransportAddress) throws(SocketError) {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        descriptor = try Descriptor(
            socket(address.family, type | Int32(SOCK_CLOEXEC.rawValue), Int32(IPPROTO_TCP)),
            "socket")
    }

    /// Begins to connect. Writable readiness tells the end, `connectionError` how it went.
    ///
    /// - Parameters:
    ///   - address: Whom to connect to.
    ///   - source: Address to connect from; the kernel picks the port at connect. nil: its choice.
    ///   - freeBind: Whether `source` need not be an address of this host.
    /// - Throws: What the kernel knows at once: no route, refused on loopback, no ports.
    public static func connecting(
        to address: TransportAddress, from source: IPAddress? = nil, freeBind: Bool = false
    ) throws(SocketError) -> TCPSocket {
        let socket = try TCPSocket(familyOf: address)
        if let source {
            if freeBind { try socket.allowForeignSource(address) }
            try socket.descriptor.set(
                Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, 1, "IP_BIND_ADDRESS_NO_PORT")
            try socket.bind(to: TransportAddress(source, 0))
        }
        try socket.setNoDelay()
        try socket.connect(to: address)
        return socket
    }

    func bind(to address: TransportAddress) throws(SocketError) {
        let number = descriptor.rawValue
        let result = unsafe address.withSocketAddress { unsafe Glibc.bind(number, $0, $1) }
        guard result == 0 else { throw .last("bind", address.description) }
    }

    func connect(to address: TransportAddress) throws(SocketError) {
        let number = descriptor.rawValue
        let result = unsafe address.withSocketAddress { unsafe Glibc.connect(number, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else {
            throw .last("connect", address.description)
        }
    }

    func allowForeignSource(_ address: TransportAddress) throws(SocketError) {
        if address.address.isIPv4 {
            try descriptor.set(Int32(IPPROTO_IP), IP_FREEBIND, 1, "IP_FREEBIND")
        } else {
            try descriptor.set(Int32(IPPROTO_IPV6), IPV6_FREEBIND, 1, "IPV6_FREEBIND")
        }
    }

    /// Closes at once; a second call does nothing.
    public mutating func close() { descriptor.close() }

    /// Closes with RST instead of FIN; what was not sent is thrown away.
    public mutating func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        let size = socklen_t(MemoryLayout<linger>.size)
        // Cannot fail on a socket; if it did, close would send FIN or RST as the kernel sees fit.
        _ = unsafe setsockopt(descriptor.rawValue, SOL_SOCKET, SO_LINGER, &linger, size)
        descriptor.close()
    }

    /// The address of our end; nil before bind or connect.
    public var localAddress: TransportAddress? {
        let number = descriptor.rawValue
        return unsafe TransportAddress.filled { unsafe getsockname(number, $0, $1) }.address
    }

    /// The address of the peer; nil without connection.
    public var peerAddress: TransportAddress? {
        let number = descriptor.rawValue
        return unsafe TransportAddress.filled { unsafe getpeername(number, $0, $1) }.address
    }

    /// The error that the kernel keeps for this socket, taken away by asking; nil: none.
    public func takeError() -> SocketError? {
        do {
            let code = try descriptor.get(SOL_SOCKET, SO_ERROR, "SO_ERROR")
            return code == 0 ? nil : SocketError("use socket", "", code: code)
        } catch {
            return error
        }
    }
}
