// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A thread that others wake and end: its body waits on an epoll with ``bell``, and returns when
/// ``isStopping`` says so.
public final class BelledThread: Sendable {
    /// Rings when there is something to look at.
    public let bell: EventCounter
    private let stopping = Atomic<Bool>(false)
    private let thread = Mutex<KernelThread?>(nil)

    /// Not started yet.
    public init() throws(SocketError) { bell = try EventCounter() }

    /// Whether the body shall return.
    public var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Runs `body` on its own thread; once.
    public func start(
        name: String, _ body: @escaping @Sendable () -> Void
    ) throws(SocketError) {
        var running: KernelThread? = try KernelThread(name: name, body)
        thread.withLock { $0 = running.take() }
    }

    /// Has it look.
    public func wake() { bell.signal() }

    /// Ends the thread and waits for it.
    public func stop() {
        stopping.store(true, ordering: .relaxed)
        bell.signal()
        guard let running = thread.withLock({ $0.take() }) else { return }
        running.join()
    }
}
