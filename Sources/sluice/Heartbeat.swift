// SPDX-License-Identifier: Apache-2.0

import Datapath
import KernelSockets

/// Tells the datapath that the daemon lives, where the kernel does not detach programs of the dead
/// (clsact). On a thread of its own: whatever else takes long must not look like death.
struct Heartbeat {
    private let thread: PeriodicThread

    /// Beats from now on.
    init(_ datapath: KernelDatapath) throws {
        // Nobody is served before the first beat.
        Self.beat(datapath)
        thread = try PeriodicThread(name: "heartbeat", every: .milliseconds(250)) {
            Self.beat(datapath)
        }
    }

    private static func beat(_ datapath: KernelDatapath) {
        datapath.heartbeat(until: MonotonicClock.nanoseconds + 1_000_000_000)
    }

    /// Ends the thread and waits for it.
    func stop() { thread.stop() }
}
