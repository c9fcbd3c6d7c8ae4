// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc

/// The kernel's word of files in some directories that were written and closed, or renamed into
/// place (inotify): whole files, as far as their writers have it.
public struct FileEvents: ~Copyable, Sendable {
    let descriptor: Descriptor

    /// What became of a name in a directory.
    public struct Event: Hashable, Sendable {
        /// The file's name, without its directory.
        public var name: String
        /// Whether it was renamed into place; otherwise it was written and closed.
        public var isRename: Bool
    }

    /// inotify_event without its name: watch, mask, cookie, length of the name; 32 bits each.
    private static let headSize = 16

    /// Begins to listen. What changed before is not told.
    public init(directories: some Sequence<String>) throws(SocketError) {
        let flags = Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)
        let descriptor = try Descriptor(inotify_init1(flags), "inotify_init1")
        for directory in directories {
            let mask = UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO)
            // The kernel reads the path during the call.
            guard unsafe inotify_add_watch(descriptor.rawValue, directory, mask) >= 0 else {
                throw .last("inotify_add_watch", directory)
            }
        }
        self.descriptor = descriptor
    }

    /// Takes what has been told since the last call; nil: more than was kept, so anything.
    public borrowing func read() throws(SocketError) -> [Event]? {
        var events: [Event] = []
        var isComplete = true
        var buffer = [UInt8](repeating: 0, count: 16384)
        while true {
            // The kernel writes at most the buffer's size.
            let length = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(descriptor.rawValue, bytes.baseAddress, bytes.count)
            }
            guard length > 0 else {
                guard errno == EAGAIN || errno == EINTR else { throw .last("read", "inotify") }
                return isComplete ? events : nil
            }
            var rest = buffer.prefix(length)
            while rest.count >= Self.headSize {
                let head = Array(rest.prefix(Self.headSize))
                let mask = Self.word(head, at: 4)
                let end = Self.headSize + Int(Self.word(head, at: 12))
                let name = rest.prefix(end).dropFirst(Self.headSize).prefix { $0 != 0 }
                rest = rest.dropFirst(end)
                if mask & UInt32(IN_Q_OVERFLOW) != 0 { isComplete = false }
                events.append(
                    Event(
                        name: String(decoding: name, as: UTF8.self),
                        isRename: mask & UInt32(IN_MOVED_TO) != 0))
            }
        }
    }

    /// In the machine's own order.
    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        let bytes = (0..<4).map { UInt32(bytes[offset + $0]) << (8 * UInt32($0)) }
        return UInt32(littleEndian: bytes.reduce(0, |))
    }
}
