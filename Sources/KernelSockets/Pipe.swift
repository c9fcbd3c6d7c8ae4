// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets

/// A pipe that `TCPSocket.splice` moves pages through.
public struct Pipe: ~Copyable, Sendable {
    let readEnd: Descriptor
    let writeEnd: Descriptor

    /// An empty, non-blocking pipe.
    public init() throws(SocketError) {
        var ends: [Int32] = [-1, -1]
        let result = unsafe ends.withUnsafeMutableBufferPointer {
            // Two ints, as the array has.
            unsafe pipe_nonblocking($0.baseAddress)
        }
        guard result == 0 else { throw .last("pipe2") }
        let first = try Descriptor(ends[0], "pipe2")
        let second = try Descriptor(ends[1], "pipe2")
        readEnd = first
        writeEnd = second
    }
}
