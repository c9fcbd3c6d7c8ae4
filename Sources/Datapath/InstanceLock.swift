// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import KernelBPF

/// At most one daemon an instance: a lock on its pin directory.
public final class InstanceLock: Sendable {
    private let lock: DirectoryLock

    /// Takes the lock of an existing directory. Whoever asks whether it is held has it for a moment,
    /// so once is not enough.
    public init(_ pins: PinDirectory) throws(BPFError) {
        for _ in 0..<10 {
            if let lock = DirectoryLock(pins.path) {
                self.lock = lock
                return
            }
            usleep(5000)
        }
        throw BPFError(
            "instance \(pins.instance) is in use by another sluice",
            detail: "Stop it, or give this one another name with the key `instance`")
    }

    /// Whether a daemon holds the lock.
    public static func isHeld(_ pins: PinDirectory) -> Bool {
        guard pins.exists else { return false }
        return DirectoryLock(pins.path) == nil
    }
}
