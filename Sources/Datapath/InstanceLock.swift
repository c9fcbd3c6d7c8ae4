// SPDX-License-Identifier: Apache-2.0

public import KernelBPF

/// At most one daemon an instance: a lock on its pin directory.
public final class InstanceLock: Sendable {
    private let lock: DirectoryLock

    /// Takes the lock of an existing directory.
    public init(_ pins: PinDirectory) throws(BPFError) {
        guard let lock = DirectoryLock(pins.path) else {
            throw BPFError(
                "instance \(pins.instance) is in use by another sluice",
                detail: "Stop it, or give this one another name with the key `instance`")
        }
        self.lock = lock
    }

    /// Whether a daemon holds the lock.
    public static func isHeld(_ pins: PinDirectory) -> Bool {
        guard pins.exists else { return false }
        return DirectoryLock(pins.path) == nil
    }
}
