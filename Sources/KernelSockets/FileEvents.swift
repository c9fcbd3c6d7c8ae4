// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc

/// The kernel's word of names in some directories that were written and closed, renamed into place, or
/// made (inotify).
public struct FileEvents: ~Copyable, Sendable {
    let descriptor: Descriptor
    /// By the watch's number.
    private let directories: [Int32: String]

    /// What became of a name.
    public enum Change: Hashable, Sendable {
        /// A file was written and closed.
        case written
        /// Something was renamed to it.
        case renamed
        /// Something was made: a directory, or anything else, which may be written still.
        case made(isDirectory: Bool)
    }

    /// What became of a name in a directory.
    public struct Event: Hashable, Sendable {
        /// The name, in its directory.
        public var place: FileTrail.Step
        /// What became of it.
        public var change: Change
    }

    /// inotify_event without its name: watch, mask, cookie, length of the name; 32 bits each.
    private static let headSize = 16

    /// Begins to listen. What changed before is not told, nor what happens in directories that are not
    /// there or closed to us.
    public init(directories: some Sequence<String>) throws(SocketError) {
        let flags = Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)
        let descriptor = try Descriptor(inotify_init1(flags), "inotify_init1")
        let mask = UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_CREATE)
        var watched: [Int32: String] = [:]
        for directory in directories {
            // The kernel reads the path during the call.
            let watch = unsafe inotify_add_watch(descriptor.rawValue, directory, mask)
            if watch >= 0 {
                watched[watch] = directory
            } else if ![ENOENT, ENOTDIR, EACCES].contains(errno) {
                throw .last("inotify_add_watch", directory)
            }
        }
        self.descriptor = descriptor
        self.directories = watched
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
                let watch = Int32(bitPattern: Self.word(head, at: 0))
                guard let directory = directories[watch] else { continue }
                events.append(
                    Event(
                        place: FileTrail.Step(
                            directory: directory, name: String(decoding: name, as: UTF8.self)),
                        change: Self.change(mask)))
            }
        }
    }

    private static func change(_ mask: UInt32) -> Change {
        if mask & UInt32(IN_CREATE) != 0 {
            return .made(isDirectory: mask & UInt32(IN_ISDIR) != 0)
        }
        return mask & UInt32(IN_MOVED_TO) != 0 ? .renamed : .written
    }

    /// In the machine's own order.
    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        let bytes = (0..<4).map { UInt32(bytes[offset + $0]) << (8 * UInt32($0)) }
        return UInt32(littleEndian: bytes.reduce(0, |))
    }
}
