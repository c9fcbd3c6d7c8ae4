// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc

/// The kernel's word of changes to interfaces, addresses and routes of this namespace (rtnetlink).
/// No privilege is needed.
public struct NetworkEvents: ~Copyable, Sendable {
    let descriptor: Descriptor

    /// More than the kernel puts into one datagram of this kind.
    private static let room = 65536
    /// Datagrams taken at a time, so that whoever reads comes to act on them.
    private static let limit = 256
    /// There is no RTMGRP_IPV6_RULE; the mask has a bit for each group below 32.
    private static let ipv6Rules = 1 << (UInt32(RTNLGRP_IPV6_RULE.rawValue) - 1) as UInt32

    /// Begins to listen. What changed before is not told.
    public init() throws(SocketError) {
        let type =
            Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = try Descriptor(
            socket(AF_NETLINK, type, NETLINK_ROUTE), "socket", "rtnetlink")
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups =
            UInt32(RTMGRP_LINK) | UInt32(RTMGRP_IPV4_IFADDR) | UInt32(RTMGRP_IPV6_IFADDR)
            | UInt32(RTMGRP_IPV4_ROUTE) | UInt32(RTMGRP_IPV6_ROUTE) | UInt32(RTMGRP_IPV4_RULE)
            | Self.ipv6Rules
        // The kernel copies the address during the call; sockaddr is only its general shape.
        let result = unsafe withUnsafeBytes(of: &address) { bytes in
            unsafe bind(
                descriptor.rawValue, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                socklen_t(bytes.count))
        }
        guard result == 0 else { throw .last("bind", "rtnetlink") }
        self.descriptor = descriptor
    }

    /// Takes what has been told since the last call; everything, if more was told than was kept.
    public borrowing func read() throws(SocketError) -> NetworkChanges {
        var changes: NetworkChanges = []
        var buffer = [UInt8](repeating: 0, count: Self.room)
        for _ in 0..<Self.limit {
            // The kernel writes at most the buffer's size; MSG_TRUNC makes it tell the true length.
            let length = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe recv(
                    descriptor.rawValue, bytes.baseAddress, bytes.count, Int32(MSG_TRUNC))
            }
            if length > 0 {
                changes.formUnion(
                    length <= Self.room
                        ? NetworkChanges(reading: buffer.span.extracting(first: length)) : .all)
            } else if length < 0, errno == ENOBUFS {
                changes = .all
            } else if length < 0, errno != EAGAIN, errno != EINTR {
                throw .last("recv", "rtnetlink")
            } else {
                break
            }
        }
        return changes
    }
}
