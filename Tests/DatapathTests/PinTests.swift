// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelBPF
import Testing

@Suite(.enabled(if: geteuid() == 0, "another user is needed")) struct `Pins` {
    private typealias SetUser = @convention(c) (uid_t) -> Int32

    /// Looks as a user without rights, in a thread of its own: the kernel has file rights by thread.
    private func obstacle(to path: String) async throws -> BPFError? {
        // Glibc's module leaves <sys/fsuid.h> out.
        let symbol = unsafe unsafeBitCast(dlsym(nil, "setfsuid"), to: SetUser?.self)
        let setFileUser = try #require(symbol)
        return await withCheckedContinuation { continuation in
            Thread {
                _ = setFileUser(65534)
                continuation.resume(returning: BPFFilesystem.obstacle(to: path))
            }.start()
        }
    }

    @Test func `that another user's directory hides are not taken for missing`() async throws {
        let hidden = FileManager.default.temporaryDirectory.path + "/pins-\(UUID().uuidString)"
        try BPFFilesystem.makeDirectory(hidden)
        defer { BPFFilesystem.removeDirectory(hidden) }
        let path = hidden + "/sluice-v6"
        #expect(BPFFilesystem.obstacle(to: path) == nil, "it is not there")
        #expect(
            try await obstacle(to: path)?.description
                == "cannot look for \(path): Permission denied (EACCES). Run it as root")
        #expect(try await obstacle(to: hidden) == nil)
    }
}
