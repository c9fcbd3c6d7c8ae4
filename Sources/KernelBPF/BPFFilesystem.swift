// SPDX-License-Identifier: Apache-2.0

internal import CLibBPF
internal import Glibc

/// The filesystem that pins live in.
public enum BPFFilesystem {
    /// Makes sure that bpffs is mounted at `path`.
    public static func mountIfNeeded(at path: String) throws(BPFError) {
        guard unsafe sluice_is_bpffs(path) == 0, unsafe mount("bpf", path, "bpf", 0, nil) != 0
        else { return }
        throw BPFError(
            "cannot mount bpffs at \(path)", errno: Glibc.errno,
            detail: "Mount it with: mount -t bpf bpf \(path)")
    }

    /// Whether there is something at `path`.
    public static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Why this user is not told whether there is something at `path`; nil: he is.
    public static func obstacle(to path: String) -> BPFError? {
        var details = stat()
        guard unsafe stat(path, &details) != 0, Glibc.errno == EACCES else { return nil }
        return BPFError("cannot look for \(path)", errno: EACCES, detail: "Run it as root")
    }

    /// Makes a directory for its owner alone, if it is not there.
    public static func makeDirectory(_ path: String) throws(BPFError) {
        guard unsafe mkdir(path, 0o700) != 0, Glibc.errno != EEXIST else { return }
        throw BPFError("cannot create \(path)", errno: Glibc.errno)
    }

    /// Removes a directory if it is empty.
    public static func removeDirectory(_ path: String) { _ = unsafe rmdir(path) }

    /// Removes a pin; false when there was none.
    @discardableResult
    public static func unpin(_ path: String) -> Bool { unsafe unlink(path) == 0 }
}
