// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
import Glibc

/// A thread of its own, for loops that wait in the kernel. All signals are blocked in it: they are
/// for the main thread, and SIGPIPE is for nobody.
public struct KernelThread: ~Copyable, Sendable {
    private let thread: pthread_t

    /// Starts `body`; `name` (15 bytes at most) is what `top -H` shows. One that is woken for a little
    /// work that others wait for asks for a short `slice`, 0.1 to 100 ms: it runs the sooner, before
    /// those with longer ones (Linux 6.12; nothing changes before).
    public init(
        name: String, slice: Duration? = nil, _ body: @escaping @Sendable () -> Void
    ) throws(SocketError) {
        let start = unsafe Unmanaged.passRetained(
            ThreadStart(name: name, slice: slice, body: body))
        var thread = pthread_t()
        // The new thread takes over the one reference; it inherits the mask set here.
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }, start.toOpaque())
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        guard code == 0 else {
            unsafe start.release()
            throw SocketError("pthread_create", name, code: code)
        }
        self.thread = thread
    }

    /// Lets other threads of this processor run first, if any want to: with a busy one that takes
    /// some milliseconds (`sched_yield`).
    public static func yield() { _ = sched_yield() }

    /// Waits for the end of the thread; not from itself.
    public consuming func join() { _ = pthread_join(thread, nil) }
}

private final class ThreadStart: Sendable {
    let name: String
    let slice: Duration?
    let body: @Sendable () -> Void

    init(name: String, slice: Duration?, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.slice = slice
        self.body = body
    }

    func run() {
        unsafe name_this_thread(name)
        // Refused (seccomp), it is as it was before.
        if let slice { _ = request_slice(slice.nanoseconds) }
        body()
    }
}
