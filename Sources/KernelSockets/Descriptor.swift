// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc

/// A file descriptor that somebody owns; closed when its owner goes, or before.
struct Descriptor: ~Copyable, Sendable {
    /// The number, −1 once closed.
    private(set) var rawValue: Int32

    /// Takes over what a system call returned.
    init(_ result: Int32, _ operation: String, _ subject: String = "") throws(SocketError) {
        guard result >= 0 else { throw .last(operation, subject) }
        rawValue = result
    }

    /// Closes at once; a second call does nothing.
    mutating func close() {
        guard rawValue >= 0 else { return }
        _ = Glibc.close(rawValue)
        rawValue = -1
    }

    deinit {
        if rawValue >= 0 { _ = Glibc.close(rawValue) }
    }
}

extension Descriptor {
    /// Sets an option that is one `int`.
    func set(_ level: Int32, _ option: Int32, _ value: Int32, _ name: String) throws(SocketError) {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        // The kernel copies the value during the call.
        guard unsafe setsockopt(rawValue, level, option, &value, size) == 0 else {
            throw .last(name)
        }
    }

    /// Reads an option that is one `int`.
    func get(_ level: Int32, _ option: Int32, _ name: String) throws(SocketError) -> Int32 {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        // The kernel writes at most `size` bytes during the call.
        guard unsafe getsockopt(rawValue, level, option, &value, &size) == 0 else {
            throw .last(name)
        }
        return value
    }
}
