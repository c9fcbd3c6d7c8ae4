// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc

/// A listening Unix socket that its owner alone may connect to (mode 0600), for whoever controls a
/// daemon. Non-blocking; its file goes with it.
public struct LocalListener: ~Copyable, Sendable {
    let descriptor: Descriptor
    private let path: String

    /// Listens at `path`, in place of what a dead daemon left there.
    public init(path: String) throws(SocketError) {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = try Descriptor(
            socket(AF_UNIX, type | Int32(SOCK_NONBLOCK.rawValue), 0), "socket", path)
        // Before bind, so that it is never open to others.
        guard fchmod(descriptor.rawValue, 0o600) == 0 else { throw .last("fchmod", path) }
        unsafe unlink(path)
        guard unsafe withLocalAddress(path, { unsafe bind(descriptor.rawValue, $0, $1) }) == 0
        else {
            throw .last("bind", path)
        }
        guard Glibc.listen(descriptor.rawValue, 16) == 0 else { throw .last("listen", path) }
        self.descriptor = descriptor
        self.path = path
    }

    /// The next one who connected; nil: nobody waits.
    ///
    /// - Throws: when the process has no descriptor left, for example; who waits still does then.
    public borrowing func accept() throws(SocketError) -> LocalConnection? {
        let number = Glibc.accept(descriptor.rawValue, nil, nil)
        // Whoever went already (ECONNABORTED) is like nobody.
        if number < 0, [EAGAIN, EINTR, ECONNABORTED].contains(errno) { return nil }
        let descriptor = try Descriptor(number, "accept")
        _ = fcntl(descriptor.rawValue, F_SETFD, FD_CLOEXEC)
        return try LocalConnection(descriptor)
    }

    deinit { unsafe unlink(path) }
}

/// A connection to a daemon's Unix socket, or from one. Blocking, for two seconds at most.
public struct LocalConnection: ~Copyable, Sendable {
    private let descriptor: Descriptor

    fileprivate init(_ descriptor: consuming Descriptor) throws(SocketError) {
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] { try descriptor.limit(option, seconds: 2) }
        self.descriptor = descriptor
    }

    /// Connects to the daemon at `path`. `patience`: how long an answer may take.
    public init(to path: String, patience seconds: Int) throws(SocketError) {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = try Descriptor(socket(AF_UNIX, type, 0), "socket", path)
        guard unsafe withLocalAddress(path, { unsafe connect(descriptor.rawValue, $0, $1) }) == 0
        else {
            throw .last("connect", path)
        }
        try descriptor.limit(SO_RCVTIMEO, seconds: seconds)
        self.descriptor = descriptor
    }

    /// The user whose process is at the other end.
    public var peerUser: UInt32? {
        // struct ucred: process, user, group.
        var credentials: (Int32, UInt32, UInt32) = (0, 0, 0)
        var size = socklen_t(12)
        // The kernel writes at most `size` bytes during the call.
        let result = unsafe getsockopt(
            descriptor.rawValue, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
        return result == 0 ? credentials.1 : nil
    }

    /// All that the other end says until its newline, or its end, at most `limit` bytes.
    public func readLine(limit: Int) throws(SocketError) -> [UInt8] {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while line.count < limit {
            // The kernel writes inside the array during the call.
            let count = unsafe buffer.withUnsafeMutableBufferPointer {
                unsafe recv(descriptor.rawValue, $0.baseAddress, $0.count, 0)
            }
            guard count >= 0 else { throw .last("read") }
            let part = buffer.prefix(count)
            if let end = part.firstIndex(of: UInt8(ascii: "\n")) { return line + part[..<end] }
            line += part
            if count == 0 { return line }
        }
        return line
    }

    /// Says `line` and a newline.
    public func writeLine(_ line: [UInt8]) throws(SocketError) {
        var rest = (line + [UInt8(ascii: "\n")])[...]
        while !rest.isEmpty {
            // The kernel copies from the array during the call.
            let count = unsafe rest.withUnsafeBufferPointer {
                unsafe send(
                    descriptor.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw .last("write") }
            rest = rest.dropFirst(count)
        }
    }
}

extension Descriptor {
    /// Sets how long a call may block.
    fileprivate func limit(_ option: Int32, seconds: Int) throws(SocketError) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        // The kernel copies the value during the call.
        guard unsafe setsockopt(rawValue, SOL_SOCKET, option, &time, size) == 0 else {
            throw .last("setsockopt")
        }
    }
}

/// Calls `body` with the address of a path as the kernel wants it; one that is too long is cut, which
/// the kernel then does not find.
private func withLocalAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
        for (index, byte) in path.utf8.prefix(room.count - 1).enumerated() {
            unsafe room[index] = byte
        }
    }
    return unsafe withUnsafeBytes(of: &address) { bytes in
        unsafe body(
            bytes.assumingMemoryBound(to: sockaddr.self).baseAddress.unsafelyUnwrapped,
            socklen_t(bytes.count))
    }
}
