// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The reader of our output went away (`flowdump | head`): no error, there is just no more to do.
struct ReaderIsGone: Error {}

/// Standard output and standard error, with errors in our own words.
enum StandardOutput {
    /// Writes all of `bytes`; throws `ReaderIsGone` when the pipe is closed and SIGPIPE ignored
    /// (otherwise the signal ends us, as it does `cat`).
    static func write(_ bytes: [UInt8]) throws {
        do {
            try FileHandle.standardOutput.write(contentsOf: bytes)
        } catch {
            let cause = (error as? CocoaError)?.underlying ?? error
            if let cause = cause as? POSIXError, cause.code == .EPIPE { throw ReaderIsGone() }
            throw FlowdumpError("cannot write to standard output: \(cause.localizedDescription)")
        }
    }

    /// Writes a line to standard error.
    static func writeError(_ text: String) {
        // Nobody is left to be told when this fails.
        try? FileHandle.standardError.write(contentsOf: Array((text + "\n").utf8))
    }
}
