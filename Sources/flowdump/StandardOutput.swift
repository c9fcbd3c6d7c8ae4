// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The reader of our output went away (`flowdump | head`): no error, there is just no more to do.
struct ReaderIsGone: Error {}

/// Standard output and standard error, without Foundation's exceptions in sight.
enum StandardOutput {
    /// Writes all of `bytes`; throws `ReaderIsGone` when the pipe is closed and SIGPIPE ignored.
    static func write(_ bytes: [UInt8]) throws {
        do {
            try FileHandle.standardOutput.write(contentsOf: bytes)
        } catch {
            let code = posixCode(of: error)
            if code == .EPIPE { throw ReaderIsGone() }
            let reason = code.map { String(cString: strerrorText($0)) } ?? "\(error)"
            throw FlowdumpError("cannot write to standard output: \(reason)")
        }
    }

    static func writeError(_ text: String) {
        // Nobody is left to be told when this fails.
        try? FileHandle.standardError.write(contentsOf: Array((text + "\n").utf8))
    }
}
