// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import Glibc

/// The signals that ask a daemon for something, waited for instead of handled.
public enum DaemonSignal: Sendable {
    /// To stop: SIGTERM or SIGINT, by name.
    case stop(String)
    /// To read its configuration again: SIGHUP.
    case reload
    /// To look at what one of its threads found: SIGUSR1.
    case look

    /// Keeps them from ending the process. Before any thread is started, since threads inherit it.
    public static func hold() {
        var set = set(of: [SIGTERM, SIGINT, SIGHUP, SIGUSR1])
        // The kernel copies the local set.
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for one of them; nil when `timeout` passed before. Of several, one that says to stop
    /// comes first: the kernel would take the lowest number, and reloads without end would outrun it.
    public static func wait(timeout: Duration) -> DaemonSignal? {
        wait(for: [SIGTERM, SIGINT], timeout: .zero)
            ?? wait(for: [SIGTERM, SIGINT, SIGHUP, SIGUSR1], timeout: timeout)
    }

    private static func wait(for signals: [Int32], timeout: Duration) -> DaemonSignal? {
        var set = set(of: signals)
        let (seconds, attoseconds) = timeout.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        let number = unsafe sigtimedwait(&set, nil, &time)
        return switch number {
        case SIGTERM: .stop("SIGTERM")
        case SIGINT: .stop("SIGINT")
        case SIGHUP: .reload
        case SIGUSR1: .look
        default: nil
        }
    }

    /// Sends SIGHUP to this process.
    public static func askToReload() { kill(getpid(), SIGHUP) }

    /// Sends SIGUSR1 to this process.
    public static func askToLook() { kill(getpid(), SIGUSR1) }

    private static func set(of signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
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
