// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc
public import WireTypes

/// Sends whole IP packets that the kernel routes: headers are the caller's. Receives nothing.
public struct RawSocket: ~Copyable, Sendable {
    private let ipv4: Descriptor
    private let ipv6: Descriptor

    /// Opens sockets of both families. Needs CAP_NET_RAW.
    ///
    /// `priority` is the SO_PRIORITY of what is sent, by which a tc program can tell it; more than 6
    /// needs CAP_NET_ADMIN.
    public init(priority: UInt32 = 0) throws(SocketError) {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let raw = Int32(IPPROTO_RAW)
        let first = try Descriptor(socket(AF_INET, type, raw), "socket", "raw IPv4")
        let second = try Descriptor(socket(AF_INET6, type, raw), "socket", "raw IPv6")
        if priority != 0 {
            let value = Int32(bitPattern: priority)
            try first.set(SOL_SOCKET, SO_PRIORITY, value, "SO_PRIORITY")
            try second.set(SOL_SOCKET, SO_PRIORITY, value, "SO_PRIORITY")
        }
        ipv4 = first
        ipv6 = second
    }

    /// Sends a packet, IP header first, to `destination`. One system call.
    ///
    /// - Throws: `EAGAIN` or `ENOBUFS` when the device is full, `EPERM` when a firewall refuses it,
    ///   `ENETUNREACH` without a route.
    public borrowing func send(_ packet: Span<UInt8>, to destination: IPAddress)
        throws(SocketError)
    {
        let number = destination.isIPv4 ? ipv4.rawValue : ipv6.rawValue
        // Port 0: the port in an IPv6 raw address must be 0 or the protocol.
        let address = TransportAddress(destination, 0)
        let result = unsafe packet.withUnsafeBufferPointer { bytes in
            unsafe address.withSocketAddress { address, length in
                let sent = unsafe sendto(
                    number, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT), address,
                    length)
                return Int32(truncatingIfNeeded: sent)
            }
        }
        guard result >= 0 else { throw .last("send", "\(destination)") }
    }
}
