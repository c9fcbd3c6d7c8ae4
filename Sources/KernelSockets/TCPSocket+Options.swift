// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc

extension TCPSocket {
    /// Sends small segments at once (`TCP_NODELAY`): a relay adds no wait of its own.
    public func setNoDelay() throws(SocketError) {
        try descriptor.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1, "TCP_NODELAY")
    }

    /// Lets the kernel probe a silent peer (`SO_KEEPALIVE`), after its default of two hours.
    public func setKeepAlive() throws(SocketError) {
        try descriptor.set(SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE")
    }

    /// How long sent bytes may stay unacknowledged (`TCP_USER_TIMEOUT`); zero: the kernel's default.
    public func setUserTimeout(_ timeout: Duration) throws(SocketError) {
        let milliseconds = Int32(clamping: timeout.nanoseconds / 1_000_000)
        try descriptor.set(
            Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, milliseconds, "TCP_USER_TIMEOUT")
    }

    /// Leaves urgent bytes where they stand in the stream (`SO_OOBINLINE`).
    public func setUrgentInline() throws(SocketError) {
        try descriptor.set(SOL_SOCKET, SO_OOBINLINE, 1, "SO_OOBINLINE")
    }

    /// Limits the kernel's buffers of this socket, bytes; tests of back-pressure want it small.
    public func setBufferSizes(send: Int32, receive: Int32) throws(SocketError) {
        try descriptor.set(SOL_SOCKET, SO_SNDBUF, send, "SO_SNDBUF")
        try descriptor.set(SOL_SOCKET, SO_RCVBUF, receive, "SO_RCVBUF")
    }

    /// Bytes that the peer has not acknowledged yet (`SIOCOUTQ`), a FIN counting as one.
    public var unacknowledged: Int {
        var count: Int32 = 0
        // SIOCOUTQ is TIOCOUTQ; the kernel writes one int.
        let result = unsafe ioctl(descriptor.rawValue, UInt(TIOCOUTQ), &count)
        return result == 0 ? Int(count) : 0
    }
}
