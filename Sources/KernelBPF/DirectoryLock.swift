// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// An advisory lock on a directory (flock(2)): gone with its holder, however that ends.
public struct DirectoryLock: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// Takes the lock; nil when somebody else holds it or the directory is not there.
    public init?(_ path: String) {
        let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let owned = FileDescriptor(owning: number)
        guard flock(number, LOCK_EX | LOCK_NB) == 0 else { return nil }
        descriptor = owned
    }
}
