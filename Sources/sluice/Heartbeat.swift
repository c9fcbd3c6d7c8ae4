// SPDX-License-Identifier: Apache-2.0

import Datapath
import KernelSockets
import Synchronization

/// A thread that tells the datapath that the daemon lives, where the kernel does not detach programs of
/// the dead (clsact). Of its own: whatever else takes long must not look like death.
final class Heartbeat: Sendable {
    private static let interval = Duration.milliseconds(250)

    private let bell: EventCounter
    private let epoll: Epoll
    private let isStopping = Atomic<Bool>(false)
    private let thread = Mutex<KernelThread?>(nil)

    /// Beats from now on.
    init(_ datapath: KernelDatapath) throws {
        bell = try EventCounter()
        epoll = try Epoll()
        try epoll.add(bell, token: 0)
        Self.beat(datapath)
        var running: KernelThread? = try KernelThread(name: "heartbeat") { [self] in
            var events = [Epoll.Event()]
            while !isStopping.load(ordering: .relaxed) {
                Self.beat(datapath)
                _ = try? epoll.wait(&events, timeout: Self.interval)
            }
        }
        thread.withLock { $0 = running.take() }
    }

    private static func beat(_ datapath: KernelDatapath) {
        datapath.heartbeat(until: MonotonicClock.nanoseconds + 1_000_000_000)
    }

    /// Ends the thread and waits for it.
    func stop() {
        isStopping.store(true, ordering: .relaxed)
        bell.signal()
        guard let running = thread.withLock({ $0.take() }) else { return }
        running.join()
    }
}
