// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc

/// Where lines are appended: a file, a FIFO, or what standard output or standard error are.
public struct LogFile: ~Copyable, Sendable {
    private let descriptor: Descriptor
    /// Pieces up to this size are written whole, or not at all, beside other writers (write(2),
    /// pipe(7)).
    public let pieceLimit: Int

    /// Opens a file for appending, or makes it, for its owner to write and its group to read. A FIFO
    /// that nobody reads is an error, not a wait.
    public init(path: String) throws(SocketError) {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        // The kernel reads the path during the call.
        let descriptor = try Descriptor(unsafe open(path, flags, 0o640), "open", path)
        pieceLimit = Self.isRegular(descriptor.rawValue) ? .max : Int(PIPE_BUF)
        self.descriptor = descriptor
    }

    private init(
        standard number: Int32, _ name: String, waits: Bool = true
    ) throws(SocketError) {
        var opened: Int32 = -1
        // Anew: others that write into it may want to wait.
        if !waits, [S_IFIFO, S_IFCHR].contains(Self.type(number)) {
            let flags = O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
            // The kernel reads the path during the call.
            opened = unsafe open("/proc/self/fd/\(number)", flags)
        }
        if opened < 0 { opened = fcntl(number, F_DUPFD_CLOEXEC, 3) }
        descriptor = try Descriptor(opened, "dup", name)
        pieceLimit = Int(PIPE_BUF)
    }

    /// Standard error. `waits`: whether writing waits for the reader of a pipe or terminal.
    public static func standardError(waits: Bool = true) throws(SocketError) -> LogFile {
        try LogFile(standard: 2, "standard error", waits: waits)
    }

    /// Standard output.
    public static func standardOutput() throws(SocketError) -> LogFile {
        try LogFile(standard: 1, "standard output")
    }

    /// Appends the front of `bytes`; how much of it. 0: a reader is slow, try again later.
    public borrowing func write(_ bytes: Span<UInt8>) throws(SocketError) -> Int {
        let count = unsafe bytes.withUnsafeBufferPointer { buffer in
            // The kernel reads at most so many bytes during the call.
            unsafe Glibc.write(descriptor.rawValue, buffer.baseAddress, buffer.count)
        }
        if count >= 0 { return count }
        guard errno == EAGAIN || errno == EINTR else { throw .last("write") }
        return 0
    }

    /// Whether it takes something, a pipe a whole piece, or fails, within that time.
    public borrowing func isWritable(within time: Duration) -> Bool {
        var query = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
        // The kernel reads and writes the local struct.
        return unsafe poll(&query, 1, Int32(clamping: time.nanoseconds / 1_000_000)) > 0
    }

    private static func isRegular(_ number: Int32) -> Bool { type(number) == S_IFREG }

    private static func type(_ number: Int32) -> mode_t? {
        var status = stat()
        // The kernel fills the local struct.
        return unsafe fstat(number, &status) == 0 ? status.st_mode & S_IFMT : nil
    }
}
