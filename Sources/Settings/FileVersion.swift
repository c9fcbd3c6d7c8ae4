// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A file as it was at some moment, as far as its size and the time of its last change tell.
public struct FileVersion: Hashable, Sendable {
    /// The file.
    public let path: String
    /// Bytes; -1: there was none.
    private let size: Int
    /// Nanoseconds since 1970.
    private let modified: Int

    /// The file at `path` as it is now.
    public init(of path: String) {
        self.path = path
        var status = stat()
        // The kernel fills the local struct.
        guard unsafe stat(path, &status) == 0 else {
            (size, modified) = (-1, 0)
            return
        }
        size = Int(status.st_size)
        modified = Int(status.st_mtim.tv_sec) * 1_000_000_000 + Int(status.st_mtim.tv_nsec)
    }

    /// Whether it is so still.
    public var isCurrent: Bool { FileVersion(of: path) == self }
}
