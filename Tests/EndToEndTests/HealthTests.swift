// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// Active checks: what they find of endpoints that are ill in different ways.
    @Suite(.needsBalancer) struct `Health checks` {
        /// Quick enough for a test, and slow enough for a busy machine.
        static let quick = "interval: 200ms, timeout: 1s, fall: 3, rise: 2"

        /// `echo.test` with endpoints on so many ports, and lines of the cluster.
        private func configuration(_ count: Int, _ lines: [String]) -> Configuration {
            var configuration = Configuration.echo(.v4)
            configuration.settings += ["log: {format: json}"]
            let endpoints = (0..<count).map { "  - 10.0.0.10:\(Lab.echoPort + $0)" }
            configuration.clusters = [("echo", lines + ["endpoints:"] + endpoints)]
            return configuration
        }

        /// How many of so many connections each port got.
        private func shares(_ count: Int, _ lab: Lab, from role: Lab.Role = .client) async throws
            -> [String: Int]
        {
            let talk = try lab.startTalk(
                ["--count", "\(count)", "--bytes", "100"], at: .listener(.v4), from: role)
            try await talk.waitUntilOpen()
            return try await talk.end().ports
        }

        @Test func `find an endpoint that is killed, and one that returns, again and again`()
            async throws
        {
            let configuration = configuration(2, ["health: {\(Self.quick)}"])
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                var second = try await lab.startEcho(port: 9701)
                _ = try await lab.startBalancer(configuration)
                for round in 1...2 {
                    if round == 2 {
                        second = try await lab.startEcho(port: 9701)
                        #expect(try await lab.wait(for: "up", of: 9701))
                    }
                    #expect(try await shares(4, lab) == ["9700": 2, "9701": 2])
                    second.send(SIGKILL)
                    #expect(try await lab.wait(for: "down", of: 9701))
                    #expect(try await shares(4, lab) == ["9700": 4])
                    // Relayed.
                    #expect(try await shares(2, lab, from: .balancer) == ["9700": 2])
                }
                let lines = try lab.healthLines(9701)
                #expect(lines.map(\.health) == ["down", "up", "down"], "\(lines)")
                #expect(lines.first?.error == "refused the connection", "\(lines)")
                #expect(lines.allSatisfy { $0.cause == "check" && $0.cluster == "echo" })
                #expect(try lab.healthLines(9700).isEmpty)
            }
        }

        @Test(arguments: ["tls", "http", "send"])
        func `find an endpoint that hangs although it accepts`(kind: String) async throws {
            let words = kind == "send" ? ", send: \"PING\\r\\n\", expect: PONG" : ""
            let configuration = configuration(
                1,
                [
                    "health: {check: \(kind), interval: 200ms, timeout: 300ms, fall: 2, rise: 1"
                        + words + "}"
                ])
            try await withLab { lab in
                let patient = try await startPatient(kind, lab)
                _ = try await lab.startBalancer(configuration)
                try await Task.sleep(for: .milliseconds(600))
                #expect(try lab.healthLines(9700).isEmpty)
                patient.send(SIGSTOP)
                #expect(try await lab.wait(for: "down", of: 9700))
                let error = try lab.healthLines(9700).last?.error
                #expect(error == "did not say anything good within 300 ms")
                patient.send(SIGCONT)
                #expect(try await lab.wait(for: "up", of: 9700))
            }
        }

        /// nginx takes nothing without it there.
        @Test(arguments: ["v1", "v2"])
        func `begin with a PROXY header where endpoints want one`(version: String) async throws {
            var configuration = configuration(0, [])
            configuration.clusters = [
                (
                    "echo",
                    [
                        "proxy_protocol: \(version)",
                        "health: {check: tls, \(Self.quick), start: wait_for_first}",
                        "endpoints: [10.0.0.10:9098]",
                    ]
                )
            ]
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                #expect(try await lab.wait(for: "up", of: 9098))
            }
        }

        private func startPatient(_ kind: String, _ lab: Lab) async throws -> Command {
            switch kind {
            case "tls":
                let file = "\(lab.state)/certificates/wildcard.web.test"
                return try await lab.startPatient(
                    9700, "tls", "echo.test", "\(file).pem", "\(file).key")
            case "http":
                try "200".write(
                    toFile: "\(lab.state)/status", atomically: true, encoding: .utf8)
                return try await lab.startPatient(9700, "http", "\(lab.state)/status")
            default: return try await lab.startPatient(9700, "pong")
            }
        }

        @Test func `ask by the name of the route, and take an alert for death`() async throws {
            let checks = "check: tls, \(Self.quick)"
            var configuration = configuration(1, ["health: {\(checks)}"])
            let wrong = ["health: {\(checks), server_name: b.test}", "endpoints: [10.0.0.10:9701]"]
            configuration.clusters.append(("wrong", wrong))
            configuration.routes.append(("b.test", "wrong"))
            try await withLab { [configuration] lab in
                let file = "\(lab.state)/certificates/wildcard.web.test"
                for port in [9700, 9701] {
                    _ = try await lab.startPatient(
                        port, "tls", "echo.test", "\(file).pem", "\(file).key")
                }
                _ = try await lab.startBalancer(configuration)
                #expect(try await lab.wait(for: "down", of: 9701))
                let line = try lab.healthLines(9701).last
                #expect(line?.error == "answered with the TLS alert unrecognized_name")
                #expect(try lab.healthLines(9700).isEmpty)
            }
        }

        @Test func `hear a ServerHello of nginx and OpenSSL, HelloRetryRequest or not`()
            async throws
        {
            var configuration = Configuration.kafka(.v6)
            configuration.settings += ["log: {format: json, level: debug}"]
            for index in configuration.clusters.indices {
                configuration.clusters[index].lines.insert(
                    "health: {check: tls, \(Self.quick)}", at: 0)
            }
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                for port in [9093, 9096, 9097] {
                    #expect(try await lab.wait(for: "up", of: port))
                }
                // The stub says goodbye at once.
                #expect(try await lab.wait(for: "down", of: 9443))
                let error = try lab.healthLines(9443).last?.error
                #expect(error == "answered with the TLS alert close_notify")
            }
        }

        @Test func `go by the status of HTTP`() async throws {
            let configuration = configuration(
                1, ["health: {check: http, path: /up, status: 200-299, \(Self.quick)}"])
            try await withLab { lab in
                _ = try await startPatient("http", lab)
                _ = try await lab.startBalancer(configuration)
                for (status, health) in [("503", "down"), ("204", "up"), ("302", "down")] {
                    try status.write(
                        toFile: "\(lab.state)/status", atomically: true, encoding: .utf8)
                    #expect(try await lab.wait(for: health, of: 9700))
                }
                #expect(try lab.healthLines(9700).last?.error == "answered with status 302")
            }
        }

        @Test func `come before the first client where that is wanted`() async throws {
            let configuration = configuration(
                2, ["health: {start: wait_for_first, interval: 60s}", "when_empty: reset"])
            try await withLab { lab in
                try await lab.startEcho(port: 9701)
                _ = try await lab.startBalancer(configuration)
                #expect(try await lab.wait(for: "down", of: 9700))
                #expect(try await lab.wait(for: "up", of: 9701))
                let lines = try lab.healthLines()
                #expect(lines.filter { $0.was == "waiting" }.count == 2, "\(lines)")
                #expect(try await shares(4, lab) == ["9701": 4])
            }
        }

        @Test(arguments: ["cluster spare", "alert", "close", "reset", "try_all"])
        func `may leave a cluster empty`(action: String) async throws {
            var configuration = configuration(
                1, ["health: {\(Self.quick)}", "when_empty: \(action)"])
            configuration.clusters.append(("spare", ["endpoints: [10.0.0.10:9705]"]))
            try await withLab { [configuration] lab in
                try await lab.startEcho(port: 9705)
                _ = try await lab.startBalancer(configuration)
                #expect(try await lab.wait(for: "down", of: 9700))
                if action == "cluster spare" {
                    #expect(try await shares(4, lab) == ["9705": 4])
                    #expect(try await shares(2, lab, from: .balancer) == ["9705": 2])
                } else {
                    for role in [Lab.Role.client, .balancer] {
                        let line = lab.curl("echo.test", .listener(.v4), "/") + ["--max-time", "5"]
                        let answer = try await lab.run(role, line)
                        // OpenSSL's words for an alert; an RST or FIN has none of them.
                        #expect(!answer.isSuccess && answer.status != 28, "\(answer)")
                        let saysAlert = answer.errors.contains("unrecognized name")
                        #expect(saysAlert == (action == "alert"), "\(answer)")
                    }
                }
                let wanted = action == "try_all" ? nil : action
                let isTold = try await isTrue(within: .seconds(3)) {
                    try lab.healthLines().contains { $0.action == wanted && $0.reason == "down 1" }
                }
                #expect(isTold)
            }
        }
    }
}
