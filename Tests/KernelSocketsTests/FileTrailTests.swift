// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelSockets
import Testing

/// CF-07: what is to be watched for a file that may be replaced in many ways.
@Suite struct `Trail to a file` {
    /// Calls `body` with the real path of an empty folder.
    private func inFolder(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "/sluice-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    }

    private func make(_ folder: String, _ names: String...) throws {
        for name in names {
            try FileManager.default.createDirectory(
                atPath: folder + "/" + name, withIntermediateDirectories: true)
        }
    }

    private func link(_ place: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: place, withDestinationPath: target)
    }

    private func steps(_ folder: String, _ path: String) -> Set<String> {
        let steps = FileTrail(to: folder + "/" + path).steps.map(\.path)
        return Set(
            steps.filter { $0.hasPrefix(folder + "/") }.map { String($0.dropFirst(folder.count)) })
    }

    @Test func `has each directory on the way, there or not`() throws {
        try inFolder { folder in
            try make(folder, "a/b")
            #expect(steps(folder, "a/./b/../b/c.txt") == ["/a", "/a/b", "/a/b/c.txt"])
            #expect(steps(folder, "x/y.txt") == ["/x", "/x/y.txt"])
            let first = FileTrail(to: folder + "/a").steps.filter { $0.directory == "/" }
            #expect(first.count == 1 && first.first?.path == first.map { "/" + $0.name }.first)
        }
    }

    /// As Kubernetes mounts a ConfigMap.
    @Test func `goes by links, and where they lead`() throws {
        try inFolder { folder in
            try make(folder, "..2026", "elsewhere")
            try link(folder + "/..data", to: "..2026")
            try link(folder + "/list.txt", to: "..data/list.txt")
            #expect(
                steps(folder, "list.txt") == [
                    "/list.txt", "/..data", "/..2026", "/..2026/list.txt",
                ])
            try link(folder + "/far", to: folder + "/elsewhere")
            #expect(steps(folder, "far/l") == ["/far", "/elsewhere", "/elsewhere/l"])
            try link(folder + "/round", to: "round")
            #expect(steps(folder, "round/l").contains("/round"))
        }
    }

    @Test func `tells by the kernel's events when one of them is replaced`() throws {
        try inFolder { folder in
            try make(folder, "v1", "v2")
            try link(folder + "/current", to: "v1")
            let trail = FileTrail(to: folder + "/current/list.txt")
            let events = try FileEvents(directories: Set(trail.steps.map(\.directory)))
            func changes() throws -> [FileEvents.Change] {
                try #require(try events.read()).filter { trail.steps.contains($0.place) }
                    .map(\.change)
            }
            try Data("1".utf8).write(to: URL(fileURLWithPath: folder + "/v1/list.txt"))
            #expect(try changes() == [.made(isDirectory: false), .written])
            try Data("2".utf8).write(to: URL(fileURLWithPath: folder + "/v1/other.txt"))
            try Data("2".utf8).write(to: URL(fileURLWithPath: folder + "/v2/list.txt"))
            #expect(try changes().isEmpty)
            try link(folder + "/next", to: "v2")
            #expect(unsafe rename(folder + "/next", folder + "/current") == 0)
            #expect(try changes() == [.renamed])
            try FileManager.default.removeItem(atPath: folder + "/v1")
            try make(folder, "v1")
            #expect(try changes() == [.made(isDirectory: true)])
        }
    }

    @Test func `may lead to where nothing can be watched`() throws {
        let events = try FileEvents(directories: ["/nowhere/at/all", "/etc/passwd"])
        #expect(try events.read() == [])
    }
}

@Suite struct `Signals of a daemon` {
    /// The kernel would tell of SIGHUP first, by its number, again and again.
    @Test func `say to stop before all else`() async throws {
        let order = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                DaemonSignal.hold()
                for signal in [SIGHUP, SIGUSR1, SIGTERM] { pthread_kill(pthread_self(), signal) }
                continuation.resume(
                    returning: (0..<4).map { _ in
                        DaemonSignal.wait(timeout: .zero).map { "\($0)" } ?? "none"
                    })
            }
        }
        #expect(order == ["stop(\"SIGTERM\")", "reload", "look", "none"])
    }
}
