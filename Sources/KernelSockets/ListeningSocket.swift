// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
import Glibc
public import WireTypes

/// What `ListeningSocket.accept` found.
public enum Accepted: ~Copyable {
    /// A client, non-blocking, and its tuple client → listener.
    case client(TCPSocket, FlowTuple)
    /// Nobody waits.
    case nobody
}

/// A non-blocking listening socket.
public struct ListeningSocket: ~Copyable, Sendable {
    let descriptor: Descriptor
    /// The address bound to; the kernel's choice when port 0 was asked for.
    public let address: TransportAddress

    /// Listens on `address`. `::` means IPv6 only, so that `0.0.0.0` can stand beside it.
    ///
    /// - Parameter freeBind: Whether the address need not be there yet.
    public init(
        on address: TransportAddress, backlog: Int32 = 4096, freeBind: Bool = false
    ) throws(SocketError) {
        let socket = try Self.bound(to: address, freeBind: freeBind)
        guard Glibc.listen(socket.descriptor.rawValue, backlog) == 0 else {
            throw .last("listen", address.description)
        }
        self.address = socket.localAddress ?? address
        descriptor = socket.intoDescriptor()
    }

    /// Throws what would keep a socket from listening on `address`, without listening for a moment.
    public static func check(_ address: TransportAddress) throws(SocketError) {
        _ = try bound(to: address, freeBind: false)
    }

    private static func bound(
        to address: TransportAddress, freeBind: Bool
    ) throws(SocketError) -> TCPSocket {
        let socket = try TCPSocket(familyOf: address)
        try socket.descriptor.set(SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR")
        if !address.address.isIPv4 {
            try socket.descriptor.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1, "IPV6_V6ONLY")
        }
        if freeBind { try socket.allowForeignSource(address) }
        try socket.bind(to: address)
        return socket
    }

    /// Takes the next client from the queue.
    ///
    /// - Throws: Out of descriptors or memory; a client that left meanwhile is skipped silently.
    public func accept() throws(SocketError) -> Accepted {
        let number = descriptor.rawValue
        while true {
            let (result, peer) = unsafe TransportAddress.filled {
                unsafe accept_nonblocking(number, $0, $1)
            }
            if result >= 0 {
                let socket = TCPSocket(try Descriptor(result, "accept"))
                guard let peer, let local = socket.localAddress else { continue }
                return .client(socket, FlowTuple(source: peer, destination: local))
            }
            switch errno {
            case EAGAIN: return .nobody
            case EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK:
                throw .last("accept", address.description)
            default: continue  // errors of that one client, see accept(2)
            }
        }
    }
}

extension TCPSocket {
    consuming func intoDescriptor() -> Descriptor { descriptor }
}
