// SPDX-License-Identifier: Apache-2.0

internal import CNetworkNamespace
internal import Glibc
public import KernelBPF

/// A network namespace of its own; it goes with the value.
public struct NetworkNamespace: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// Creates an empty namespace. Needs CAP_SYS_ADMIN.
    public init() throws(BPFError) {
        let number = network_namespace_create()
        guard number >= 0 else {
            throw BPFError("cannot create a network namespace", errno: -number)
        }
        descriptor = FileDescriptor(owning: number)
    }

    /// Runs `body` inside. It must not suspend: only the calling thread is moved.
    public borrowing func run<Result>(_ body: () throws -> Result) throws -> Result {
        let former = network_namespace_enter(descriptor.number)
        guard former >= 0 else {
            throw BPFError("cannot enter the network namespace", errno: -former)
        }
        defer {
            // A thread left behind in here would break its next user.
            precondition(network_namespace_return(former) == 0)
        }
        return try body()
    }

    /// Runs shell commands inside; all must succeed.
    public borrowing func shell(_ commands: [String]) throws {
        try run {
            for command in commands {
                // The child is forked from this thread and shares its namespace.
                let status = unsafe system(command)
                guard status == 0 else { throw BPFError("\(command): status \(status)") }
            }
        }
    }
}

/// Sees and sends the frames of one interface.
public struct PacketSocket: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// Opens an interface of the current namespace.
    public init(_ interface: String) throws(BPFError) {
        let number = unsafe packet_socket_open(interface)
        guard number >= 0 else { throw BPFError("cannot watch \(interface)", errno: -number) }
        descriptor = FileDescriptor(owning: number)
    }

    /// Sends one frame.
    public borrowing func send(_ frame: [UInt8]) throws(BPFError) {
        guard unsafe write(descriptor.number, frame, frame.count) == frame.count else {
            throw BPFError("cannot send a frame", errno: Glibc.errno)
        }
    }

    /// The frames that came so far.
    public borrowing func received() -> [[UInt8]] {
        var frames: [[UInt8]] = []
        var room = [UInt8](repeating: 0, count: 65536)
        while true {
            // At most room.count bytes are written.
            let count = unsafe read(descriptor.number, &room, room.count)
            guard count > 0 else { return frames }
            frames.append(Array(room.prefix(count)))
        }
    }
}
