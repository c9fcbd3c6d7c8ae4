// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// How flows end, and how they do not.
    @Suite(.needsBalancer) struct `The end of a flow` {
        private func configuration(_ family: Family, _ limits: String...) -> Configuration {
            var configuration = Configuration.echo(family)
            configuration.settings = ["limits:"] + limits.map { "  \($0)" }
            return configuration
        }

        /// Takes one direction of every flow out of the map, as an eviction does.
        private func evict(_ lab: Lab, towards endpoint: Bool) async throws -> Int {
            let map = "\(lab.pins)/flows"
            let dump = try await Command.run(["bpftool", "-j", "map", "dump", "pinned", map])
            guard
                let rows = try JSONSerialization.jsonObject(with: Data(dump.text.utf8))
                    as? [[String: Any]]
            else { throw Command.Failure(description: "bpftool: \(dump)") }
            var evicted = 0
            for row in rows {
                guard let key = row["key"] as? [String] else { continue }
                // Destination port 443: from the client.
                let isOfClient = key[34] == "0x01" && key[35] == "0xbb"
                guard isOfClient == endpoint else { continue }
                let bytes = key.map { String($0.dropFirst(2)) }
                let output = try await Command.run(
                    ["bpftool", "map", "delete", "pinned", map, "key", "hex"] + bytes)
                #expect(output.isSuccess, "\(output)")
                evicted += 1
            }
            return evicted
        }

        @Test(arguments: Family.allCases, [true, false])
        func `is not that the kernel forgot a direction of it`(
            family: Family, towardsEndpoint: Bool
        ) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let target = Target.listener(family)
                let hash = try await lab.hash(of: "16.bin")
                let download = try lab.startDownload("/slow/16.bin", from: target)
                let upload = try lab.startUpload(
                    "16.bin", as: "kafka2.server.test", to: target,
                    options: ["--limit-rate", "4M"])
                let haveBegun = try await isTrue(within: .seconds(10)) {
                    try await lab.flows("state established and bytes > 500KiB").count == 2
                }
                #expect(haveBegun)
                #expect(try await evict(lab, towards: towardsEndpoint) == 2)
                let areWhole = try await isTrue(within: .seconds(3)) {
                    try await lab.counter("daemon_restored") == 2
                }
                #expect(areWhole)
                #expect(try await download.wait().text.hasPrefix(hash))
                #expect(try await upload.wait().text.hasPrefix(hash))
                let log = try String(contentsOfFile: lab.balancerLog, encoding: .utf8)
                #expect(log.contains("forgot a direction of a live flow"), "\(log)")
                #expect(log.contains("sni=kafka2.server.test"), "\(log)")
            }
        }

        @Test func `is not that an idle one lost a direction`() async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(.echo(.v4))
                let talk = try lab.startTalk(at: .listener(.v4))
                try await talk.waitUntilOpen()
                #expect(try await evict(lab, towards: true) == 1)
                let isWhole = try await isTrue(within: .seconds(20)) {
                    try await lab.counter("daemon_restored") == 1
                }
                #expect(isWhole)
                try await talk.expectGood()
            }
        }

        @Test(arguments: Family.allCases)
        func `is not silence, when both ends answer`(family: Family) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration(family, "idle_timeout: 2s"))
                let talk = try lab.startTalk(at: .listener(family))
                try await talk.waitUntilOpen()
                let isAsked = try await isTrue(within: .seconds(15)) {
                    try await lab.counter("daemon_idle_probed") >= 2
                }
                #expect(isAsked)
                #expect(try await lab.counter("daemon_idle_ended") == 0)
                #expect(try await lab.flows("mode spliced").count == 1)
                try await talk.expectGood()
            }
        }

        /// The time is longer than a walk of the sweeper: the client's answer alone is news by then.
        @Test func `is silence, when one end alone answers`() async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration(.v4, "idle_timeout: 6s"))
                let talk = try lab.startTalk(at: .listener(.v4))
                try await talk.waitUntilOpen()
                try await lab.perform("blackhole", "\(Lab.echoPort)")
                let isOver = try await isTrue(within: .seconds(45)) {
                    try await lab.counter("daemon_idle_ended") == 1
                }
                #expect(isOver)
                #expect(try await lab.flows().isEmpty)
                let report = try await talk.end()
                #expect(report.good == 0 && !report.errors.isEmpty, "\(report)")
            }
        }

        @Test(arguments: ["idle_timeout: 2s", "max_lifetime: 2s"])
        func `is an RST that both ends believe, at a limit`(limit: String) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration(.v4, "idle_probe: off", limit))
                let talk = try lab.startTalk(at: .listener(.v4))
                try await talk.waitUntilOpen()
                let isGone = try await isTrue(within: .seconds(15)) {
                    try await lab.flows().isEmpty
                }
                #expect(isGone)
                let counter =
                    limit.hasPrefix("idle") ? "daemon_idle_ended" : "daemon_lifetime_ended"
                let isCounted = try await isTrue(within: .seconds(2)) {
                    try await lab.counter(counter) == 1
                }
                #expect(isCounted)
                for role in [Lab.Role.client, .endpoint] {
                    let sockets = try await lab.run(role, ["ss", "-Htn", "state", "established"])
                    #expect(sockets.text.isEmpty, "\(sockets)")
                }
                let report = try await talk.end()
                #expect(report.good == 0 && !report.errors.isEmpty, "\(report)")
            }
        }
    }
}
