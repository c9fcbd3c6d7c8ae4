// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// HC-09, HC-10, LB-10: endpoints in and out of service while the daemon runs.
    @Suite(.needsBalancer) struct `Control of a running instance` {
        private struct View: Decodable {
            struct Endpoint: Decodable {
                var address, state, health: String
                var weight, connections: Int
                var ttl, deadline, health_age: Int?
                var cause, last_error: String?
            }
            var name: String
            var endpoints: [Endpoint]
        }

        /// `echo.test` with endpoints on two ports.
        private func twoEndpoints(_ lines: [String] = []) -> Configuration {
            var configuration = Configuration.echo(.v4)
            configuration.settings = []
            let endpoints = (9700...9701).map { "  - 10.0.0.10:\($0)" }
            configuration.clusters = [("echo", lines + ["endpoints:"] + endpoints)]
            return configuration
        }

        private func shares(_ count: Int, _ lab: Lab) async throws -> [String: Int] {
            let talk = try lab.startTalk(
                ["--count", "\(count)", "--bytes", "100"], at: .listener(.v4))
            try await talk.waitUntilOpen()
            return try await talk.end().ports
        }

        private func control(_ lab: Lab, _ words: String...) async throws -> Command.Output {
            try await Command.run([Checkout.sluice] + words + ["--instance", lab.name])
        }

        private func view(_ port: Int, _ lab: Lab) async throws -> View.Endpoint {
            let output = try await control(lab, "endpoints", "echo", "-o", "json")
            let views = try JSONDecoder().decode([View].self, from: Data(output.text.utf8))
            return try #require(
                views.first?.endpoints.first { $0.address == "10.0.0.10:\(port)" })
        }

        @Test func `a drained endpoint gets nobody new, and its rest is reset at the deadline`()
            async throws
        {
            let configuration = twoEndpoints()
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                try await lab.startEcho(port: 9701)
                _ = try await lab.startBalancer(configuration)
                let spliced = try lab.startTalk(["--count", "10"], at: .listener(.v4))
                // One after the other: all take turns.
                try await spliced.waitUntilOpen()
                let relayed = try lab.startTalk(
                    ["--count", "2"], at: .listener(.v4), from: .balancer)
                try await relayed.waitUntilOpen()
                #expect(try await view(9701, lab).connections == 6)

                let drain = try Command([
                    Checkout.sluice, "drain", "echo", "10.0.0.10:9701", "--deadline", "3s",
                    "--wait", "--instance", lab.name,
                ])
                let isDraining = try await isTrue(within: .seconds(2)) {
                    try await view(9701, lab).state == "drain"
                }
                #expect(isDraining)
                let state = try await view(9701, lab)
                #expect(state.connections == 6 && (state.deadline ?? 0) > 0, "\(state)")
                #expect(try await shares(4, lab) == ["9700": 4])
                let output = try await drain.wait(.seconds(20))
                #expect(output.isSuccess, "\(output)")
                #expect(output.text.hasPrefix("6 connections, 3 s to the deadline\n"))
                #expect(output.text.hasSuffix("\n0 connections\n"), "\(output)")
                #expect(try await spliced.end().good == 5)
                #expect(try await relayed.end().good == 1)

                let back = try await control(
                    lab, "set", "echo", "10.0.0.10:9701", "--state", "auto")
                #expect(back.isSuccess, "\(back)")
                #expect(try await shares(4, lab) == ["9700": 2, "9701": 2])
            }
        }

        @Test func `what is said of its weight leaves a drain as it is`() async throws {
            let configuration = twoEndpoints()
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                try await lab.startEcho(port: 9701)
                _ = try await lab.startBalancer(configuration)
                let endpoint = "10.0.0.10:9701"
                let drain = try await control(lab, "drain", "echo", endpoint, "--deadline", "60s")
                #expect(drain.isSuccess, "\(drain)")
                let weight = try await control(
                    lab, "set", "echo", endpoint, "--weight", "3", "--ttl", "1s")
                #expect(weight.isSuccess, "\(weight)")
                #expect(weight.text.contains("reset in 60 s, as configured in 1 s"), "\(weight)")
                #expect(try await view(9701, lab).weight == 3)
                let isOver = try await isTrue(within: .seconds(4)) {
                    try await view(9701, lab).weight == 1
                }
                #expect(isOver)
                let state = try await view(9701, lab)
                #expect(state.state == "drain" && state.ttl == nil, "\(state)")
                #expect((state.deadline ?? 0) > 40_000, "\(state)")

                // And the other way round.
                _ = try await control(lab, "set", "echo", endpoint, "--weight", "2")
                _ = try await control(
                    lab, "set", "echo", endpoint, "--state", "down", "--ttl", "1s")
                let isBack = try await isTrue(within: .seconds(4)) {
                    try await view(9701, lab).state == "auto"
                }
                #expect(isBack)
                #expect(try await view(9701, lab).weight == 2)
            }
        }

        @Test func `weights and verdicts hold at once, until their time is over`() async throws {
            let configuration = twoEndpoints([
                "health: {interval: 200ms, timeout: 1s, fall: 2, rise: 2}"
            ])
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                try await lab.startEcho(port: 9701)
                let balancer = try await lab.startBalancer(configuration)
                let endpoint = "10.0.0.10:9701"
                let long = try lab.startTalk(["--count", "4"], at: .listener(.v4))
                try await long.waitUntilOpen()

                let heavy = try await control(lab, "set", "echo", endpoint, "--weight", "3")
                #expect(heavy.isSuccess, "\(heavy)")
                #expect(try await shares(8, lab) == ["9700": 2, "9701": 6])
                // Over a reload as well.
                balancer.command.send(SIGHUP)
                let reloaded = try await control(lab, "reload")
                #expect(reloaded.isSuccess, "\(reloaded)")
                #expect(try await shares(8, lab) == ["9700": 2, "9701": 6])
                _ = try await control(lab, "set", "echo", endpoint, "--weight", "0")
                #expect(try await shares(4, lab) == ["9700": 4])
                let keepsItsOwn = try await isTrue(within: .seconds(10)) {
                    try await view(9701, lab).connections == 2
                }
                #expect(keepsItsOwn, "and those that ended do not count")

                _ = try await control(
                    lab, "set", "echo", endpoint, "--weight", "1", "--state", "down", "--ttl", "2s")
                #expect(try await shares(4, lab) == ["9700": 4])
                let isOver = try await isTrue(within: .seconds(4)) {
                    try await view(9701, lab).state == "auto"
                }
                #expect(isOver)
                #expect(try await shares(4, lab) == ["9700": 2, "9701": 2])
                #expect(try await long.end().good == 4)

                // Nobody is there, and it is asked all the same.
                try await lab.perform("blackhole", "9701")
                let isDown = try await isTrue(within: .seconds(10)) {
                    try await view(9701, lab).health == "down"
                }
                #expect(isDown)
                _ = try await control(lab, "set", "echo", endpoint, "--state", "up")
                let state = try await view(9701, lab)
                #expect(state.state == "up" && state.health == "down")
                // And why, also after a reload.
                _ = try await control(lab, "reload")
                let later = try await view(9701, lab)
                #expect(later.cause == "check" && later.last_error != nil, "\(later)")
                #expect(later.health_age ?? 0 >= state.health_age ?? .max, "\(state) \(later)")
                let table = try await control(lab, "endpoints").text.split(separator: "\n")
                let error = try #require(later.last_error)
                #expect(table.contains { $0.hasSuffix("check: \(error)") }, "\(table)")
                #expect(table.contains { $0.contains("10.0.0.10:9700") && $0.hasSuffix("-") })
            }
        }

        @Test func `what is asked wrongly is told, and changes nothing`() async throws {
            let configuration = twoEndpoints()
            try await withLab { lab in
                let noDaemon = try await control(lab, "endpoints")
                #expect(noDaemon.status == 1)
                #expect(
                    noDaemon.errors.contains("is not running: nobody listens at"), "\(noDaemon)")
                let balancer = try await lab.startBalancer(configuration)
                for (words, sentence, status) in [
                    (["set", "ecko", "10.0.0.10:9700", "--weight", "1"], "there are: echo", 1),
                    (["drain", "echo", "10.0.0.10:1"], "there are: 10.0.0.10:9700", 1),
                    (["set", "echo", "10.0.0.10:9700"], "name --state or --weight", 2),
                    (["set", "echo", "10.0.0.10:9700", "--state", "off"], "use auto, up, down", 2),
                    (["drain", "echo", "10.0.0.10:9700", "--deadline", "x"], "write a time", 2),
                ] {
                    let output = try await Command.run(
                        [Checkout.sluice] + words + ["--instance", lab.name])
                    #expect(output.status == Int32(status), "\(words) \(output)")
                    #expect(output.errors.contains(sentence), "\(words) \(output)")
                }
                var broken = configuration
                broken.routes.append(("x.test", "nowhere"))
                _ = try lab.write(broken)
                let reload = try await control(lab, "reload")
                #expect(reload.status == 1 && reload.errors.contains("sluice.yaml:"), "\(reload)")
                #expect(reload.errors.contains("\"nowhere\""))
                let attributes = try FileManager.default.attributesOfItem(
                    atPath: "/run/sluice/\(lab.name).sock")
                #expect(attributes[.posixPermissions] as? Int == 0o600)
                try await balancer.stop()
                #expect(!FileManager.default.fileExists(atPath: "/run/sluice/\(lab.name).sock"))
            }
        }
    }
}
