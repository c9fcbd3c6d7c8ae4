// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A thread that does one thing again and again.
public final class PeriodicThread: Sendable {
    private let bell: EventCounter
    private let epoll: Epoll
    private let isStopping = Atomic<Bool>(false)
    private let thread = Mutex<KernelThread?>(nil)

    /// Calls `body` at once, on its own thread, and again whenever `interval` has passed.
    public init(
        name: String, every interval: Duration, _ body: @escaping @Sendable () -> Void
    ) throws {
        bell = try EventCounter()
        epoll = try Epoll()
        try epoll.add(bell, token: 0)
        var running: KernelThread? = try KernelThread(name: name) { [self] in
            var events = [Epoll.Event()]
            while !isStopping.load(ordering: .relaxed) {
                body()
                _ = try? epoll.wait(&events, timeout: interval)
            }
        }
        thread.withLock { $0 = running.take() }
    }

    /// Ends the thread and waits for it.
    public func stop() {
        isStopping.store(true, ordering: .relaxed)
        bell.signal()
        guard let running = thread.withLock({ $0.take() }) else { return }
        running.join()
    }
}
