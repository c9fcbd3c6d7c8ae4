// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEndBeside {
    /// What `log.connections` says of a connection that is over.
    @Suite(.needsBalancer) struct `The connection log` {
        private static let name = "echo.test"

        /// A client of Tests/Lab/endings.py, when it is done.
        struct Report: Decodable, Sendable {
            var sent, received, port: Int
            var end: String
        }

        private func withLog(
            _ family: Family = .v4, _ limits: String...,
            alter: (inout Configuration) -> Void = { _ in },
            _ body: @Sendable (Lab, Balancer) async throws -> Void
        ) async throws {
            var configuration = Configuration.echo(family)
            configuration.settings = limits.isEmpty ? [] : ["limits:"] + limits.map { "  \($0)" }
            alter(&configuration)
            try await withLab { [configuration] lab in
                var configuration = configuration
                configuration.settings += ["log:", "  connections: \(lab.connectionLog)"]
                try await lab.startAndWait(
                    .endpoint, [Checkout.endings, "serve", "\(Lab.echoPort)"])
                let balancer = try await lab.startBalancer(configuration)
                try await body(lab, balancer)
            }
        }

        /// Starts a client that ends as told.
        private func start(
            _ lab: Lab, _ family: Family, _ manner: String, hello: String? = nil,
            from role: Lab.Role = .client
        ) async throws -> Command {
            let file = hello ?? "\(lab.state)/hello"
            if hello == nil {
                let line = ["bash", "-c", "\(Checkout.makeHello) \(Self.name) >\(file)"]
                _ = try await Command.run(line)
            }
            return try lab.start(
                role, [Checkout.endings, "connect", family.vip, "443", file, manner])
        }

        private func report(_ command: Command) async throws -> Report {
            let output = try await command.wait(.seconds(30))
            guard let line = output.text.split(separator: "\n").last else {
                throw Command.Failure(description: "endings.py: \(output)")
            }
            return try JSONDecoder().decode(Report.self, from: Data(line.utf8))
        }

        @Test(arguments: Family.allCases, ["fin", "rst", "server-fin", "server-rst"])
        func `says within two seconds who ended it, and has every byte`(
            family: Family, manner: String
        ) async throws {
            try await withLog(family) { lab, _ in
                let report = try await report(start(lab, family, manner))
                let line = try await lab.onlyLoggedConnection()
                let ends = [
                    "fin": "fin_client", "rst": "rst_client", "server-fin": "fin_endpoint",
                    "server-rst": "rst_endpoint",
                ]
                #expect(line.end == ends[manner], "\(line)")
                #expect(line.upstream?.bytes == report.sent, "\(line) \(report)")
                #expect(line.downstream?.bytes == report.received, "\(line) \(report)")
                #expect(line.client == family.join(family.client, report.port))
                #expect(line.listener == "tls" && line.serverName == Self.name, "\(line)")
                #expect(line.listenerAddress == family.join(family.vip, 443))
                #expect(line.cluster == "echo" && line.mode == "spliced", "\(line)")
                #expect(line.endpoint == family.join(family.endpoint, Lab.echoPort))
                #expect(line.rule?.contains(Self.name) == true, "\(line)")
                #expect(line.ech == nil && line.alpn == nil, "\(line)")
                let times = try [line.classifyUs, line.connectUs, line.handoffUs].map {
                    try #require($0)
                }
                #expect(times.allSatisfy { 1..<2_000_000 ~= $0 }, "\(line)")
                #expect(times[1] <= times[2], "the SYN goes after the hello: \(line)")
                #expect((0..<10_000).contains(try #require(line.totalMs)), "\(line)")
            }
        }

        @Test(arguments: [("idle_timeout: 2s", "idle"), ("max_lifetime: 2s", "lifetime")])
        func `knows limits`(limit: String, end: String) async throws {
            try await withLog(.v4, "idle_probe: off", limit) { lab, _ in
                let report = try await report(start(lab, .v4, "wait"))
                let line = try await lab.onlyLoggedConnection()
                #expect(line.end == end && line.upstream?.bytes == report.sent, "\(line)")
            }
        }

        @Test func `wants a directory that is there`() async throws {
            var configuration = Configuration.echo(.v4)
            configuration.settings = ["log: {connections: /nowhere/at/all.jsonl}"]
            try await withLab { [configuration] lab in
                let file = try lab.write(configuration)
                let output = try await lab.run(.balancer, [Checkout.sluice, "--config", file])
                #expect(output.status == 1)
                #expect(
                    output.errors == """
                        sluice: no connection log: /nowhere/at does not exist; make it: \
                        mkdir -p /nowhere/at

                        """)
            }
        }

        @Test func `knows who was killed by flowdump`() async throws {
            try await withLog { lab, _ in
                let client = try await start(lab, .v4, "wait")
                _ = await isTrue(within: .seconds(5)) { client.printed.text.contains("waiting") }
                let killed = try await lab.run(
                    .balancer, [Checkout.flowdump, "kill", "--instance", lab.name, "age >= 0s"])
                #expect(killed.isSuccess, "\(killed)")
                let report = try await report(client)
                #expect(report.end == "ConnectionResetError")
                let line = try await lab.onlyLoggedConnection()
                #expect(line.end == "killed" && line.upstream?.bytes == report.sent, "\(line)")
            }
        }

        @Test func `has a line for who is relayed`() async throws {
            try await withLog { lab, _ in
                let report = try await report(start(lab, .v4, "fin", from: .balancer))
                let line = try await lab.onlyLoggedConnection()
                #expect(line.mode == "relayed" && line.relayReason == "local-client", "\(line)")
                #expect(line.end == "fin_client" && line.serverName == Self.name, "\(line)")
                #expect(line.upstream?.bytes == report.sent, "\(line) \(report)")
                #expect(line.downstream?.bytes == report.received, "\(line) \(report)")
                #expect(line.rule?.contains(Self.name) == true, "\(line)")
                #expect(line.connectUs != nil && line.totalMs != nil, "\(line)")
            }
        }

        @Test func `has a line for who is handed to the relay by a splicer`() async throws {
            try await withLog(alter: { $0.settings.append("splicing: off") }) { lab, _ in
                let report = try await report(start(lab, .v4, "server-fin"))
                let line = try await lab.onlyLoggedConnection()
                #expect(line.mode == "relayed" && line.relayReason == "splicing-off", "\(line)")
                #expect(line.end == "fin_endpoint" && line.serverName == Self.name, "\(line)")
                #expect(line.upstream?.bytes == report.sent, "\(line) \(report)")
                #expect(line.rule?.contains(Self.name) == true, "\(line)")
            }
        }

        @Test func `has a line for who is turned away, and says why`() async throws {
            try await withLog { lab, _ in
                _ = try await lab.greet("other.test", at: .listener(.v4), with: .openssl)
                let line = try await lab.onlyLoggedConnection()
                #expect(line.mode == "rejected" && line.end == "rejected", "\(line)")
                #expect(line.rejectReason == "no-rule" && line.rule == nil, "\(line)")
                #expect(line.serverName == "other.test" && line.listener == "tls", "\(line)")
                #expect(line.endpoint == nil && line.cluster == nil, "\(line)")
            }
        }

        @Test func `has a line for whose cluster has no endpoint that answers`() async throws {
            let nobody = Family.v4.join(Family.v4.endpoint, 9)
            try await withLog(alter: {
                $0.clusters = []
                $0.routes = []
                $0.route(Self.name, to: "nobody", nobody)
            }) { lab, _ in
                _ = try await report(start(lab, .v4, "fin"))
                let line = try await lab.onlyLoggedConnection()
                #expect(line.mode == "rejected" && line.end == "rejected", "\(line)")
                #expect(line.rejectReason == "no-endpoint" && line.cluster == nil, "\(line)")
                #expect(line.serverName == Self.name, "\(line)")
            }
        }

        @Test func `says that a hello has another one inside, or seems to, and what it offers`()
            async throws
        {
            let hello = "\(Checkout.captures)/chromium-156.0.8078.79.bin"
            try await withLog(alter: { $0.routes = [("chromium.example.com", "echo")] }) { lab, _ in
                _ = try await report(start(lab, .v4, "fin", hello: hello))
                let line = try await lab.onlyLoggedConnection()
                #expect(line.ech == "outer" && line.end == "fin_client", "\(line)")
                #expect(line.serverName == "chromium.example.com", "\(line)")
                #expect(line.alpn == ["h2", "http/1.1"], "\(line)")
            }
        }

        @Test func `has a line for a flow of an earlier daemon, with what is known of it`()
            async throws
        {
            try await withLog { lab, balancer in
                let client = try await start(lab, .v4, "wait")
                _ = await isTrue(within: .seconds(5)) { client.printed.text.contains("waiting") }
                try await balancer.kill()
                let file = "\(lab.state)/sluice.yaml"
                _ = try await lab.startBalancer(file: file, options: [])
                client.send(SIGTERM)
                let report = try await report(client)
                let line = try await lab.onlyLoggedConnection()
                #expect(line.serverName == Self.name && line.cluster == "echo", "\(line)")
                #expect(line.upstream?.bytes == report.sent, "\(line)")
                #expect(line.rule == nil && line.classifyUs == nil, "\(line)")
                #expect(line.end == "fin_client", "\(line)")
            }
        }

        @Test func `goes on in a new file after a reload`() async throws {
            try await withLog { lab, _ in
                _ = try await report(start(lab, .v4, "fin"))
                _ = try await lab.onlyLoggedConnection()
                let old = lab.connectionLog + ".1"
                try FileManager.default.moveItem(atPath: lab.connectionLog, toPath: old)
                let reload = try await lab.run(
                    .balancer, [Checkout.sluice, "reload", "--instance", lab.name])
                #expect(reload.isSuccess, "\(reload)")
                let isThere = await isTrue(within: .seconds(2)) {
                    FileManager.default.fileExists(atPath: lab.connectionLog)
                }
                #expect(isThere)
                _ = try await report(start(lab, .v4, "rst"))
                let line = try await lab.onlyLoggedConnection()
                #expect(line.end == "rst_client", "\(line)")
                let before = try String(contentsOfFile: old, encoding: .utf8)
                #expect(before.split(separator: "\n").count == 1, "\(before)")
            }
        }
    }
}

/// A line of the connection log.
struct LoggedConnection: Decodable, Sendable {
    struct Direction: Decodable, Sendable {
        var bytes: Int
        var retransmittedBytes, packets: Int?
    }

    var time, client, listener, listenerAddress, mode, end: String
    var serverName, ech, rule, relayReason, rejectReason, cluster, endpoint, balancer: String?
    var alpn: [String]?
    var upstream, downstream: Direction?
    var classifyUs, connectUs, handoffUs, totalMs: Int?
}

extension Lab {
    var connectionLog: String { "\(state)/connections.jsonl" }

    /// Whole lines so far.
    func loggedConnections() throws -> [LoggedConnection] {
        let text = (try? String(contentsOfFile: connectionLog, encoding: .utf8)) ?? ""
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try text.split(separator: "\n").map {
            try decoder.decode(LoggedConnection.self, from: Data($0.utf8))
        }
    }

    /// The line of the one connection that there was: there within two seconds, and no second one.
    func onlyLoggedConnection() async throws -> LoggedConnection {
        let isThere = try await isTrue(within: .seconds(2)) { try !loggedConnections().isEmpty }
        #expect(isThere, "no line within 2 s")
        try await Task.sleep(for: .milliseconds(700))
        let lines = try loggedConnections()
        guard let line = lines.first, lines.count == 1 else {
            throw Command.Failure(description: "\(lines.count) lines: \(lines)")
        }
        return line
    }
}
