// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelSockets
import Logging
import Testing

@testable import ConnectionLogging

@Suite struct `Connection log` {
    /// A folder for one test.
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "connections-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.path)
    }

    private func lines(_ path: String) -> [Substring] {
        (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
    }

    private func isTrue(_ condition: () -> Bool) async -> Bool {
        for _ in 0..<400 {
            if condition() { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    private func log(_ path: String) throws -> ConnectionLog {
        try ConnectionLog(to: .file(path), logger: Logger(label: "test"))
    }

    @Test func `writes what all lanes have, soon and to the end of the file`() async throws {
        try await withFolder { folder in
            let path = "\(folder)/log"
            try Data("before\n".utf8).write(to: URL(filePath: path))
            let log = try log(path)
            let lanes = [log.lane(), log.lane()]
            for _ in 0..<1000 { for lane in lanes { lane.append(.whole) } }
            #expect(await isTrue { lines(path).count == 2001 })
            #expect(lines(path).first == "before")
            #expect(Set(lines(path)).count == 2)
            log.stop()
        }
    }

    @Test func `writes what is left when it stops`() async throws {
        try await withFolder { folder in
            let log = try log("\(folder)/log")
            log.lane().append(.whole)
            log.stop()
            #expect(lines("\(folder)/log").count == 1)
            log.stop()
        }
    }

    @Test func `goes on in a new file when the old one was renamed`() async throws {
        try await withFolder { folder in
            let path = "\(folder)/log"
            let log = try log(path)
            let lane = log.lane()
            lane.append(.whole)
            #expect(await isTrue { lines(path).count == 1 })
            try FileManager.default.moveItem(atPath: path, toPath: "\(path).1")
            lane.append(.whole)
            #expect(await isTrue { lines("\(path).1").count == 2 })
            log.reopen()
            #expect(await isTrue { FileManager.default.fileExists(atPath: path) })
            lane.append(.whole)
            #expect(await isTrue { lines(path).count == 1 })
            #expect(lines("\(path).1").count == 2)
            log.stop()
        }
    }

    @Test func `stays with the old file when there can be no new one`() async throws {
        try await withFolder { folder in
            let inner = "\(folder)/inner"
            try FileManager.default.createDirectory(
                atPath: inner, withIntermediateDirectories: true)
            let log = try log("\(inner)/log")
            let lane = log.lane()
            try FileManager.default.moveItem(atPath: inner, toPath: "\(folder)/other")
            log.reopen()
            lane.append(.whole)
            #expect(await isTrue { lines("\(folder)/other/log").count == 1 })
            log.stop()
        }
    }

    @Test func `never waits for a reader, counts what it drops, and writes only whole lines`()
        async throws
    {
        try await withFolder { folder in
            let path = "\(folder)/fifo"
            let made = unsafe mkfifo(path, 0o600)
            #expect(made == 0)
            // So that there is a reader, which does not read.
            let reader = unsafe open(path, O_RDONLY | O_NONBLOCK)
            defer { close(reader) }
            let log = try log(path)
            let lane = log.lane(capacity: 1000)
            let record = ConnectionRecord.whole
            // More than the pipe takes; then as many as the lane takes, and more.
            for _ in 0..<500 { lane.append(record) }
            try await Task.sleep(for: .milliseconds(300))
            let took = ContinuousClock().measure { for _ in 0..<4000 { lane.append(record) } }
            #expect(took < .seconds(1), "who logs waits for nobody")
            #expect(await isTrue { log.droppedLines == 3000 })
            var text: [UInt8] = []
            #expect(
                await isTrue {
                    text += readAll(reader)
                    return text.count { $0 == UInt8(ascii: "\n") } == 1500
                })
            #expect(Set(String(decoding: text, as: UTF8.self).split(separator: "\n")).count == 1)
            log.stop()
        }
    }

    private func readAll(_ descriptor: Int32) -> [UInt8] {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let length = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe read(descriptor, bytes.baseAddress, bytes.count)
            }
            guard length > 0 else { return text }
            text += buffer[..<length]
        }
    }

    @Test func `refuses a path that cannot be`() async throws {
        #expect(throws: SocketError("open", "/no/such/folder/log", code: ENOENT)) {
            try log("/no/such/folder/log")
        }
    }

    @Test func `refuses a FIFO that nobody reads, and does not wait for one`() async throws {
        try await withFolder { folder in
            let made = unsafe mkfifo("\(folder)/fifo", 0o600)
            #expect(made == 0)
            #expect(throws: SocketError("open", "\(folder)/fifo", code: ENXIO)) {
                try log("\(folder)/fifo")
            }
        }
    }
}
