// SPDX-License-Identifier: Apache-2.0

/// A thread that does one thing again and again.
public final class PeriodicThread: Sendable {
    private let thread: BelledThread

    /// Calls `body` at once, on its own thread, and again whenever `interval` has passed.
    public init(
        name: String, every interval: Duration, _ body: @escaping @Sendable () -> Void
    ) throws(SocketError) {
        let thread = try BelledThread()
        let epoll = try Epoll()
        try epoll.add(thread.bell, token: 0)
        self.thread = thread
        try thread.start(name: name) {
            var events = [Epoll.Event()]
            while !thread.isStopping {
                body()
                _ = try? epoll.wait(&events, timeout: interval)
            }
        }
    }

    /// Ends the thread and waits for it.
    public func stop() { thread.stop() }
}
