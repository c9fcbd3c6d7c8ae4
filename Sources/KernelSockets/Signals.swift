// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc

/// The signals that ask a daemon to stop, waited for instead of handled.
public enum TerminationSignals {
    /// Keeps SIGTERM and SIGINT from ending the process. Before any thread is started, since
    /// threads inherit it.
    public static func hold() {
        var set = Self.set
        // The kernel copies the local set.
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for one of them; its name. nil when `timeout` passed before.
    public static func wait(timeout: Duration) -> String? {
        var set = Self.set
        let (seconds, attoseconds) = timeout.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        let number = unsafe sigtimedwait(&set, nil, &time)
        return number == SIGTERM ? "SIGTERM" : number == SIGINT ? "SIGINT" : nil
    }

    private static var set: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        return set
    }
}

/// Raises the limit of open files to what the process may have.
public func raiseOpenFileLimit() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
