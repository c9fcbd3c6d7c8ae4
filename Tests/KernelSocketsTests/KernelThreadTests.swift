// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelSockets
import Synchronization
import Testing

@Suite struct `A kernel thread` {
    /// What the kernel says of a thread, from within it.
    private func facts(slice: Duration?) throws -> [String: String] {
        let text = Mutex("")
        let thread = try KernelThread(name: "slice-test", slice: slice) {
            let facts = try? String(contentsOfFile: "/proc/thread-self/sched", encoding: .utf8)
            text.withLock { $0 = facts ?? "" }
        }
        thread.join()
        var facts: [String: String] = [:]
        for line in text.withLock({ $0 }).split(separator: "\n") {
            let sides = line.split(separator: ":").map { $0.filter { $0 != " " } }
            if sides.count == 2 { facts[sides[0]] = sides[1] }
        }
        return facts
    }

    private static let kernelHasSlices = ProcessInfo.processInfo.isOperatingSystemAtLeast(
        OperatingSystemVersion(majorVersion: 6, minorVersion: 12, patchVersion: 0))

    @Test(.enabled(if: kernelHasSlices, "the scheduler knows slices since Linux 6.12"))
    func `has the slice that it asks for, and no other policy or priority`() throws {
        let usual = try facts(slice: nil)
        #expect(usual["se.slice"] != nil && usual["se.slice"] != "300000")
        let short = try facts(slice: .microseconds(300))
        #expect(short["se.slice"] == "300000")
        #expect(short["policy"] == usual["policy"] && short["prio"] == usual["prio"])
        #expect(short["prio"] != nil)
        #expect(try facts(slice: .milliseconds(100))["se.slice"] == usual["se.slice"])
    }
}
