// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
import Glibc

extension TCPSocket {
    /// Reads what is there over the front of `bytes`, at most `limit` bytes or the array's length.
    public func read(into bytes: inout [UInt8], atMost limit: Int = .max) throws(SocketError)
        -> Transfer
    {
        let number = descriptor.rawValue
        // The kernel writes inside the array during the call.
        let result = unsafe bytes.withUnsafeMutableBufferPointer {
            unsafe recv(number, $0.baseAddress, min(limit, $0.count), 0)
        }
        return try Transfer(result, "read")
    }

    /// Throws away what is there, at most `limit` bytes, without a copy.
    public func discard(atMost limit: Int) throws(SocketError) -> Transfer {
        // With MSG_TRUNC, TCP neither needs nor touches a buffer.
        let result = recv(descriptor.rawValue, nil, limit, Int32(MSG_TRUNC))
        return try Transfer(result, "read")
    }

    /// Writes as much of `bytes` (not empty) as the kernel takes.
    public func write(_ bytes: Span<UInt8>) throws(SocketError) -> Transfer {
        let number = descriptor.rawValue
        // The kernel copies from the span during the call.
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        return try Transfer(result, "write")
    }

    /// Moves what was received into `pipe` without a copy.
    ///
    /// `wouldBlock` means nothing to read only if the pipe is empty; it may be full as well.
    public func splice(into pipe: borrowing Pipe, atMost limit: Int) throws(SocketError) -> Transfer
    {
        try Transfer(
            Self.splice(from: descriptor.rawValue, to: pipe.writeEnd.rawValue, limit), "splice")
    }

    /// Moves bytes from `pipe` into the send queue without a copy. A peer that is gone raises
    /// SIGPIPE in the calling thread, which therefore should block it (`KernelThread` does).
    public func splice(from pipe: borrowing Pipe, atMost limit: Int) throws(SocketError) -> Transfer
    {
        try Transfer(
            Self.splice(from: pipe.readEnd.rawValue, to: descriptor.rawValue, limit), "splice")
    }

    /// Sends FIN behind everything written so far.
    public func shutdownWriting() throws(SocketError) {
        guard shutdown(descriptor.rawValue, Int32(SHUT_WR)) == 0 else { throw .last("shutdown") }
    }

    private static func splice(from source: Int32, to sink: Int32, _ limit: Int) -> Int {
        splice_nonblocking(source, sink, limit)
    }
}
