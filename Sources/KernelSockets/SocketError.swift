// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc

/// A system call on a socket, an epoll set or a pipe that failed.
public struct SocketError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried, in the kernel's word: `connect`, `TCP_REPAIR`.
    public let operation: String
    /// What it concerned: an address or a tuple; empty when there is nothing to name.
    public let subject: String
    /// The kernel's errno.
    public let code: Int32

    /// A failure with an errno.
    public init(_ operation: String, _ subject: String, code: Int32) {
        self.operation = operation
        self.subject = subject
        self.code = code
    }

    /// The failure that `errno` tells now.
    static func last(_ operation: String, _ subject: String = "") -> SocketError {
        SocketError(operation, subject, code: errno)
    }

    /// `cannot connect 10.0.0.1:443: Connection refused`.
    public var description: String {
        let object = subject.isEmpty ? operation : "\(operation) \(subject)"
        // strerror's buffer is copied before anybody else can ask for another text.
        let text = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error"
        return "cannot \(object): \(text) (errno \(code))"
    }

    /// The errno of a connection that nobody answered, ETIMEDOUT.
    public static let timedOut = ETIMEDOUT
    /// Of an address that leads back to where one is.
    public static let loop = ELOOP

    /// Whether the process or the system has no more descriptors.
    public var isOutOfDescriptors: Bool { code == EMFILE || code == ENFILE }
}

/// What one non-blocking transfer did.
public enum Transfer: Equatable, Sendable {
    /// So many bytes were moved, at least one.
    case moved(Int)
    /// The kernel can neither give nor take now.
    case wouldBlock
    /// The peer sent FIN and everything before it was read.
    case ended

    /// The result of a system call that moves bytes.
    init(_ result: Int, _ operation: String) throws(SocketError) {
        if result > 0 {
            self = .moved(result)
        } else if result == 0 {
            self = .ended
        } else if errno == EAGAIN || errno == EINTR {
            self = .wouldBlock
        } else {
            throw .last(operation)
        }
    }
}
