// SPDX-License-Identifier: Apache-2.0

import Balancing
import Foundation
import Settings
import Testing
import WireTypes

/// CF-07: endpoints in a file of their own.
@Suite struct `File of endpoints`: FilesBeside {
    /// The configuration beside such a file, or what is said of it.
    private func read(_ list: String?, more: String = "") throws
        -> Result<Configuration, ConfigurationErrors>
    {
        try load(
            """
            interface: eth0
            listeners: {a: {address: 192.0.2.1:443, default: web}}
            clusters:
              web: {endpoints_file: web.endpoints\(more)}

            """, beside: ["web.endpoints": list])
    }

    private func complaint(_ list: String?, more: String = "") throws -> String? {
        try complaint(of: read(list, more: more))
    }

    @Test func `is read line by line, weights and all`() throws {
        let list = """
            # Rack 1
            10.0.0.11:9093
              10.0.0.12:9093 weight=5   # twice as large

            [2001:db8::12]:9093 priority=1 weight=0
            """
        let configuration = try read(list).get()
        let endpoints = configuration.clusters[0].endpoints
        #expect(
            endpoints.map { "\($0.address) \($0.weight) \($0.priority)" } == [
                "10.0.0.11:9093 1 0", "10.0.0.12:9093 5 0", "[2001:db8::12]:9093 0 1",
            ])
        #expect(configuration.files.count == 1)
        #expect(configuration.files.allSatisfy { $0.path.hasSuffix("/web.endpoints") })
    }

    @Test(arguments: [
        ("10.0.0.11:9093\n10.0.0.12\n", "line 2 of \"web.endpoints\" begins with \"10.0.0.12\""),
        ("10.0.0.11:9093 wieght=1\n", "line 1 of \"web.endpoints\" has \"wieght=1\""),
        ("10.0.0.11:1 priority=256\n", "line 1 of \"web.endpoints\" has \"priority=256\""),
        ("10.0.0.1:1\n10.0.0.1:1\n", "line 2 of \"web.endpoints\" repeats 10.0.0.1:1 of line 1"),
        ("# nobody\n", "cluster \"web\" has no endpoints in \"web.endpoints\""),
        ("\"[::1]:9\"\n", "or [2001:db8::1]:443; no quotes are written in such a file"),
        (nil, "\"endpoints_file\" is \"web.endpoints\", which cannot be read: no such file"),
    ])
    func `is told where it is wrong`(list: String?, sentence: String) throws {
        let complaint = try #require(try complaint(list))
        #expect(complaint.hasPrefix("sluice.yaml:4:"))
        #expect(complaint.contains(sentence), "\(complaint)")
    }

    @Test func `is told as it was when it was read`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "sluice-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let list = folder.appending(path: "web.endpoints")
        let missing = FileVersion(of: list.path)
        #expect(missing.isCurrent)
        try "10.0.0.1:443\n".write(to: list, atomically: true, encoding: .utf8)
        #expect(!missing.isCurrent)
        let text = """
            interface: eth0
            listeners: {a: {address: 192.0.2.1:443, default: web}}
            clusters: {web: {endpoints_file: web.endpoints}}

            """
        let file = folder.appending(path: "sluice.yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        let version = try #require(try Configuration.load(file: file.path).files.first)
        #expect(version.path == list.path && version.isCurrent)
        try "10.0.0.1:443 # again\n".write(to: list, atomically: true, encoding: .utf8)
        #expect(!version.isCurrent)
        // Who is refused is told of the files as well: one of them may be why.
        try "nobody\n".write(to: list, atomically: true, encoding: .utf8)
        let errors = try #require(throws: ConfigurationErrors.self) {
            try Configuration.load(file: file.path)
        }
        #expect(errors.files.map(\.path) == [list.path] && errors.files[0].isCurrent)
    }

    @Test func `is not for those who have a list already`() throws {
        let complaint = try #require(
            try complaint("10.0.0.11:9093\n", more: ", endpoints: [10.0.0.1:1]"))
        #expect(complaint.contains("are two places for the same; leave one out"))
    }
}

/// What a reload may not change, and that it may change all else.
@Suite struct `Keys of a start` {
    private func parse(_ lines: String) throws -> Configuration {
        try Configuration.parse(
            text: lines + """

                listeners: {a: {address: 192.0.2.1:443, default: web}}
                clusters: {web: [10.0.0.1:443]}

                """, fileName: "sluice.yaml")
    }

    @Test(arguments: [
        ("instance: other", "instance"), ("interface: eth1", "interface"),
        ("attach: clsact", "attach"), ("workers: 7", "workers"), ("splicing: off", "splicing"),
        ("limits: {flows: 4096}", "limits.flows"), ("limits: {watermark: 50%}", "limits.watermark"),
        ("limits: {handshakes: 1024}", "limits.handshakes"),
        ("source: {addresses: [10.0.0.9]}", "source"), ("log: {level: debug}", "log"),
    ])
    func `are told by name`(lines: String, key: String) throws {
        let other = try parse(lines)
        #expect(try parse("").keysOfAStart(changedIn: other) == ["\"\(key)\""])
        #expect(other.keysOfAStart(changedIn: other).isEmpty)
    }

    @Test func `need none when plain listeners come back, for which the datapath was loaded`()
        throws
    {
        let plain = try Configuration.parse(
            text: """
                listeners: {a: {address: 192.0.2.1:443, mode: plain, default: web}}
                clusters: {web: {balance: maglev, hash_key: source, endpoints: [10.0.0.1:443]}}

                """, fileName: "sluice.yaml")
        let other = try parse("")
        #expect(other.keysOfAStart(changedIn: plain) == ["\"mode: plain\""])
        #expect(other.keysOfAStart(changedIn: plain, servesPlain: true).isEmpty)
        #expect(plain.keysOfAStart(changedIn: other).isEmpty)
    }

    @Test func `are not those of listeners, clusters and times`() throws {
        let other = try Configuration.parse(
            text: """
                limits: {idle_timeout: 5m, closed_linger: 9s, half_classified: 7}
                listeners: {b: {address: 192.0.2.9:443, reject: reset, default: mail}}
                clusters: {mail: [10.0.0.2:443]}

                """, fileName: "sluice.yaml")
        #expect(try parse("").keysOfAStart(changedIn: other).isEmpty)
    }
}
