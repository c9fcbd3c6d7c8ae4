// SPDX-License-Identifier: Apache-2.0

import Foundation
import Settings
import Testing

@Suite struct `Configuration file` {
    /// What is said of a file with those bytes; `NAME` stands for its name.
    private func complaint(_ bytes: [UInt8]) throws -> String? {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "sluice-\(UUID().uuidString).yaml")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return complaint(file.path)
    }

    private func complaint(_ path: String) -> String? {
        do throws(ConfigurationErrors) {
            _ = try Configuration.load(file: path)
            return nil
        } catch {
            return error.description.replacing(path, with: "NAME")
        }
    }

    @Test func `is named when it is missing`() {
        #expect(
            complaint("/nowhere/sluice.yaml")
                == "NAME: cannot be read: no such file; check the path")
    }

    @Test func `is named when it is a directory`() {
        #expect(complaint("/tmp") == "NAME: cannot be read: it is a directory; name a file")
    }

    @Test(.enabled(if: getuid() != 0, "root may read every file"))
    func `is named when it may not be read`() throws {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "sluice-\(UUID().uuidString).yaml")
        try Data("a: 1\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: file.path)
        #expect(
            complaint(file.path) == "NAME: cannot be read: no permission; check its owner and mode")
    }

    @Test func `is named when it is empty`() throws {
        #expect(
            try complaint([])
                == "NAME: nothing is configured here; write at least \"listeners\" and \"clusters\""
        )
    }

    @Test func `tells the place of bytes that are not UTF-8`() throws {
        let bytes = Array("instance: a\nlog: ".utf8) + [0xff, 0xfe]
        #expect(try complaint(bytes) == "NAME:2:6: this is not UTF-8 text; save it as UTF-8")
    }

    @Test func `is read`() throws {
        #expect(try complaint(Array(BrokenFile.listenerAndClusters.utf8)) == nil)
    }
}

@Suite struct `Interface selector` {
    @Test func `takes digits for an index and the rest for a name`() {
        #expect(InterfaceSelector("7") == .index(7))
        #expect(InterfaceSelector("eth0.100") == .name("eth0.100"))
        #expect(InterfaceSelector("wg-1")?.description == "wg-1")
    }

    @Test(arguments: ["", "0", "4294967296", "a/b", "a b", "sixteen-letters-", "..", "eth0:1"])
    func `refuses what no kernel has`(text: String) {
        #expect(InterfaceSelector(text) == nil)
    }
}
