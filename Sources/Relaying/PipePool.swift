// SPDX-License-Identifier: Apache-2.0

import KernelSockets

/// A pipe and how many bytes are in it.
final class PooledPipe {
    let pipe: Pipe
    var count = 0

    init() throws(SocketError) { pipe = try Pipe() }
}

/// Empty pipes. A connection holds one only while bytes are in it, so that a few serve thousands.
struct PipePool {
    private var idle: [PooledPipe] = []

    /// An empty pipe; nil when there are no descriptors left.
    mutating func borrow() -> PooledPipe? {
        if let pipe = idle.popLast() { return pipe }
        return try? PooledPipe()
    }

    /// Takes a pipe back; one with bytes in it is closed.
    mutating func giveBack(_ pipe: PooledPipe) {
        if pipe.count == 0, idle.count < 64 { idle.append(pipe) }
    }
}
