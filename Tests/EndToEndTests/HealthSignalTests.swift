// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// What clients' own connections say of an endpoint, and what becomes of them.
    @Suite(.needsBalancer) struct `Health by connections` {
        /// Two endpoints, the second of which is ill; checks come too seldom to find that.
        private func configuration(_ lines: [String]) -> Configuration {
            var configuration = Configuration.echo(.v4)
            configuration.settings += ["log: {format: json}"]
            let endpoints = (0..<2).map { "  - 10.0.0.\(10 + $0):\(Lab.echoPort + $0)" }
            configuration.clusters = [("echo", lines + ["endpoints:"] + endpoints)]
            return configuration
        }

        private let rare = "health: {interval: 60s, timeout: 500ms, jitter: 0%}"

        private func shares(_ count: Int, _ lab: Lab) async throws -> [String: Int] {
            let talk = try lab.startTalk(
                ["--count", "\(count)", "--bytes", "100"], at: .listener(.v4))
            try await talk.waitUntilOpen()
            return try await talk.end().ports
        }

        @Test(arguments: [Lab.Role.client, .balancer])
        func `failed connects eject an endpoint for a time`(role: Lab.Role) async throws {
            let configuration = configuration([
                "ejection: {failures: 3, base: 3s, max_share: 50%}"
            ])
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                _ = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(
                    ["--count", "12", "--bytes", "100"], at: .listener(.v4), from: role)
                try await talk.waitUntilOpen()
                #expect(try await talk.end().ports == ["9700": 12])
                #expect(try await lab.wait(for: "ejected", of: 9701, within: .seconds(2)))
                let line = try lab.healthLines(9701).last
                #expect(line?.cause == "connect_failures")
                #expect(line?.error == "refused the connection")
                try await lab.startEcho(port: 9701)
                #expect(try await shares(4, lab) == ["9700": 4])
                #expect(try await lab.wait(for: "unknown", of: 9701, within: .seconds(5)))
                #expect(try await shares(4, lab) == ["9700": 2, "9701": 2])
            }
        }

        @Test func `a burst of RSTs is looked into at once`() async throws {
            let configuration = configuration([rare])
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                let patient = try await lab.startPatient(9701, "echo")
                _ = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(["--count", "10"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                let start = ContinuousClock.now
                patient.send(SIGUSR2)
                #expect(try await lab.wait(for: "down", of: 9701, within: .seconds(3)))
                #expect(ContinuousClock.now - start < .milliseconds(1000))
                let lines = try lab.healthLines(9701)
                #expect(lines.map(\.health) == ["suspect", "down"], "\(lines)")
                #expect(lines.map(\.cause) == ["reset_burst", "check"], "\(lines)")
                #expect(lines.last?.error == "refused the connection", "\(lines)")
                #expect(try await talk.end().good == 5)
                #expect(try await shares(4, lab) == ["9700": 4])
            }
        }

        /// After a while the ends acknowledge late: the endpoint, which hears nothing, repeats what it
        /// said last.
        @Test(arguments: [0, 3]) func `silence is looked into within a second`(
            seconds: Int
        ) async throws {
            let configuration = configuration([rare, "on_down: reset"])
            try await withLab { lab in
                try await lab.startEcho(port: 9700, count: 2)
                _ = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(
                    ["--count", "10", "--steady", "--pause", "0.05"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                try await Task.sleep(for: .seconds(seconds))
                let start = ContinuousClock.now
                try await lab.perform("blackhole", "9701")
                let isSuspect = try await isTrue(within: .seconds(5)) {
                    try lab.healthLines(9701).first?.health == "suspect"
                }
                #expect(isSuspect)
                #expect(ContinuousClock.now - start < .milliseconds(1200))
                #expect(try await lab.wait(for: "down", of: 9701, within: .seconds(3)))
                #expect(try lab.healthLines(9701).map(\.cause) == ["silence", "check"])
                #expect(try lab.healthLines(9700).isEmpty)
                let report = try await talk.end()
                #expect(report.good == 5, "\(report)")
                #expect(try await lab.counter("daemon_down_ended") == 5)
            }
        }

        @Test func `a false alarm is over with a good check`() async throws {
            let configuration = configuration([rare])
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                let patient = try await lab.startPatient(9701, "echo")
                _ = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(["--count", "10"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                patient.send(SIGUSR1)
                #expect(try await lab.wait(for: "up", of: 9701, within: .seconds(3)))
                let lines = try lab.healthLines(9701)
                #expect(lines.map(\.health) == ["suspect", "up"], "\(lines)")
                #expect(try await talk.end().good == 5)
            }
        }

        @Test(arguments: ["keep", "reset", "reset_slowly"])
        func `of an endpoint that is down are kept or reset`(action: String) async throws {
            let configuration = configuration([
                "health: {check: send, send: hi, expect: hi, interval: 200ms, "
                    + "timeout: 300ms, down_interval: 60s}",
                "on_down: \(action)",
            ])
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                let second = try await lab.startEcho(port: 9701)
                _ = try await lab.startBalancer(configuration)
                let spliced = try lab.startTalk(["--count", "20"], at: .listener(.v4))
                // One after the other: all take turns.
                try await spliced.waitUntilOpen()
                let relayed = try lab.startTalk(
                    ["--count", "4"], at: .listener(.v4), from: .balancer)
                try await relayed.waitUntilOpen()
                second.send(SIGSTOP)
                #expect(try await lab.wait(for: "down", of: 9701))
                let wanted = action == "keep" ? [20, 24] : [10, 12]
                let isAsWanted = try await isTrue(within: .seconds(2)) {
                    try await open(lab) == wanted
                }
                #expect(isAsWanted)
                second.send(SIGCONT)
                let good = (try await spliced.end().good, try await relayed.end().good)
                let wantedGood = action == "keep" ? (20, 4) : (10, 2)
                #expect(good == wantedGood)
            }
        }

        /// Connections that the client and the endpoint have open; a check's, too, while it is asked.
        private func open(_ lab: Lab) async throws -> [Int] {
            let client = try await lab.run(
                .client, ["ss", "-Htn", "state", "established", "dport = :443"])
            let endpoint = try await lab.run(
                .endpoint, ["ss", "-Htn", "state", "established", "sport = :9700 or sport = :9701"])
            return [client, endpoint].map { $0.text.split(separator: "\n").count }
        }
    }
}
