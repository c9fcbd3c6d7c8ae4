// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// Programs that are at work on a packet.
public enum RunningPrograms {
    /// Returns once those that began before the call have ended: after a program was replaced, nobody
    /// writes for the old one any more.
    public static func waitForEnd() {
        guard sluice_wait_for_programs() == 0 else { return }
        // With nohz_full CPUs the kernel does not tell. A packet takes microseconds.
        usleep(50_000)
    }
}
