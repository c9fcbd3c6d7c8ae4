// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
import Glibc

/// What happened to a descriptor, or what one waits for.
public struct Readiness: OptionSet, Sendable {
    /// The bits of `EPOLLIN` and so on.
    public let rawValue: UInt32

    /// From the kernel's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes or a FIN to read, or a client to accept.
    public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    /// Room to write, or a connection made.
    public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// The peer sent FIN.
    public static let peerClosed = Readiness(rawValue: EPOLLRDHUP.rawValue)
    /// Urgent data.
    public static let urgent = Readiness(rawValue: EPOLLPRI.rawValue)
    /// An error waits: RST, time-out, unreachable. Always reported.
    public static let failed = Readiness(rawValue: EPOLLERR.rawValue)
    /// Both directions are shut. Always reported.
    public static let hungUp = Readiness(rawValue: EPOLLHUP.rawValue)
    /// Tell changes only, not states.
    public static let edgeTriggered = Readiness(rawValue: EPOLLET.rawValue)
}

/// An epoll set. Descriptors leave it by being closed.
public struct Epoll: ~Copyable, Sendable {
    private let descriptor: Descriptor

    /// An empty set.
    public init() throws(SocketError) {
        descriptor = try Descriptor(epoll_create1(Int32(EPOLL_CLOEXEC)), "epoll_create1")
    }

    /// Watches a connection; `token` comes back with its events.
    public func add(_ socket: borrowing TCPSocket, _ readiness: Readiness, token: UInt64)
        throws(SocketError)
    {
        try control(EPOLL_CTL_ADD, socket.descriptor.rawValue, readiness, token)
    }

    /// Watches a listening socket.
    public func add(_ socket: borrowing ListeningSocket, _ readiness: Readiness, token: UInt64)
        throws(SocketError)
    {
        try control(EPOLL_CTL_ADD, socket.descriptor.rawValue, readiness, token)
    }

    /// Watches a descriptor that somebody else owns, a BPF ring's for example.
    public func add(descriptor number: Int32, token: UInt64) throws(SocketError) {
        try control(EPOLL_CTL_ADD, number, .readable, token)
    }

    /// Changes what is wanted of a listening socket; empty: nothing.
    public func change(_ socket: borrowing ListeningSocket, _ readiness: Readiness, token: UInt64)
        throws(SocketError)
    {
        try control(EPOLL_CTL_MOD, socket.descriptor.rawValue, readiness, token)
    }

    /// Watches an event counter.
    public func add(_ counter: borrowing EventCounter, token: UInt64) throws(SocketError) {
        try control(EPOLL_CTL_ADD, counter.descriptor.rawValue, .readable, token)
    }

    /// Watches the kernel's word of network changes.
    public func add(_ events: borrowing NetworkEvents, token: UInt64) throws(SocketError) {
        try control(EPOLL_CTL_ADD, events.descriptor.rawValue, .readable, token)
    }

    /// Watches a listening Unix socket.
    public func add(_ listener: borrowing LocalListener, token: UInt64) throws(SocketError) {
        try control(EPOLL_CTL_ADD, listener.descriptor.rawValue, .readable, token)
    }

    /// Watches the kernel's word of changed files.
    public func add(_ events: borrowing FileEvents, token: UInt64) throws(SocketError) {
        try control(EPOLL_CTL_ADD, events.descriptor.rawValue, .readable, token)
    }

    /// Waits until something happens or `timeout` (nil: forever) has passed.
    ///
    /// Returns how many of `events` were filled, from the front; 0 after a time-out or a signal.
    public func wait(_ events: inout [Event], timeout: Duration?) throws(SocketError) -> Int {
        var milliseconds: Int32 = -1
        if let timeout {
            // Rounded up: a timer must have passed when its wait returns, or the loop would spin.
            milliseconds = Int32(clamping: (timeout.nanoseconds &+ 999_999) / 1_000_000)
        }
        let number = descriptor.rawValue
        // `Event` is epoll_event and nothing else; the kernel fills at most `count` of them.
        let result = unsafe events.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.withMemoryRebound(to: epoll_event.self) {
                unsafe epoll_wait(number, $0.baseAddress, Int32($0.count), milliseconds)
            }
        }
        guard result >= 0 || errno == EINTR else { throw .last("epoll_wait") }
        return max(0, Int(result))
    }

    private func control(
        _ operation: Int32, _ number: Int32, _ readiness: Readiness, _ token: UInt64
    ) throws(SocketError) {
        var event = unsafe epoll_event(
            events: readiness.rawValue, data: epoll_data_t(u64: token))
        // The kernel copies the event during the call.
        guard unsafe epoll_ctl(descriptor.rawValue, operation, number, &event) == 0 else {
            throw .last("epoll_ctl")
        }
    }
}

extension Epoll {
    /// One event of `wait`.
    @safe
    public struct Event {
        // Plain bytes; the union is only ever used as its number.
        private var event: epoll_event

        /// An event to be filled.
        public init() { unsafe event = epoll_event(events: 0, data: epoll_data_t(u64: 0)) }

        /// What `add` was given.
        public var token: UInt64 { unsafe event.data.u64 }
        /// What happened.
        public var readiness: Readiness { unsafe Readiness(rawValue: event.events) }
    }
}

/// A counter that wakes an epoll set from other threads (`eventfd`).
public struct EventCounter: ~Copyable, Sendable {
    let descriptor: Descriptor

    /// A counter at zero.
    public init() throws(SocketError) {
        let flags = Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)
        descriptor = try Descriptor(eventfd(0, flags), "eventfd")
    }

    /// Wakes whoever waits; any thread.
    public func signal() { _ = eventfd_write(descriptor.rawValue, 1) }

    /// Back to zero.
    public func clear() {
        var value: eventfd_t = 0
        _ = unsafe eventfd_read(descriptor.rawValue, &value)
    }
}
