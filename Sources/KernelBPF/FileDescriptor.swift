// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A descriptor that is closed when its owner goes.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number, valid while this value lives.
    public let number: Int32

    /// Takes ownership of an open descriptor.
    public init(owning number: Int32) { self.number = number }

    deinit { close(number) }
}
