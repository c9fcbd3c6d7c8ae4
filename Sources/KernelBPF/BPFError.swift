// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Why something could not be done with the kernel's BPF.
public struct BPFError: Error, CustomStringConvertible, Sendable {
    /// What failed, on what: "cannot attach flows to eth0".
    public let what: String
    /// The kernel's error number, positive; 0 when there is none.
    public let errno: Int32
    /// What explains it further: the verifier's last lines, or what to do.
    public let detail: String

    /// An error of the kernel.
    public init(_ what: String, errno: Int32 = 0, detail: String = "") {
        self.what = what
        self.errno = errno
        self.detail = detail
    }

    /// One sentence, then the detail.
    public var description: String {
        var text = what
        if errno != 0 { text += ": \(errnoText(errno))" }
        if !detail.isEmpty { text += detail.hasPrefix("\n") ? detail : ". \(detail)" }
        return text
    }
}

/// The text of an error number as strerror(3) has it, with its name if it is a common one.
public func errnoText(_ number: Int32) -> String {
    let text = unsafe String(cString: strerror(number))
    let names: [Int32: String] = [
        EPERM: "EPERM", ENOENT: "ENOENT", EINTR: "EINTR", EIO: "EIO", E2BIG: "E2BIG",
        EBADF: "EBADF", EAGAIN: "EAGAIN", ENOMEM: "ENOMEM", EACCES: "EACCES", EBUSY: "EBUSY",
        EEXIST: "EEXIST", ENODEV: "ENODEV", EINVAL: "EINVAL", ENOSPC: "ENOSPC",
        EADDRINUSE: "EADDRINUSE", EADDRNOTAVAIL: "EADDRNOTAVAIL", ENOTSUP: "ENOTSUP",
    ]
    return names[number].map { "\(text) (\($0))" } ?? text
}

/// Turns libbpf's result (negative: an errno) into a value or an error.
@discardableResult
func check(_ result: Int32, _ what: @autoclosure () -> String) throws(BPFError) -> Int32 {
    guard result >= 0 else { throw BPFError(what(), errno: -result) }
    return result
}
