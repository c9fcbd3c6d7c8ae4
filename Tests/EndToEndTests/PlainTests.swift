// SPDX-License-Identifier: Apache-2.0
import Testing

extension EndToEndBeside {
    /// Listeners whose clients go to an endpoint from the SYN on (DP-32).
    @Suite(.needsBalancer) struct `Plain listeners` {
        /// Endpoints on so many ports, of which the client's address and port decide.
        private func configuration(
            _ family: Family, endpoints: Int = 1, _ cluster: [String] = []
        ) -> Configuration {
            var configuration = Configuration.echo(family)
            configuration.routes = []
            configuration.policy = ["mode: plain", "default: echo"]
            let addresses = (0..<endpoints).map { index in
                "  - \"\(family.join(family.endpoint, Lab.echoPort + index))\""
            }
            configuration.clusters = [
                (
                    "echo",
                    ["balance: maglev", "hash_key: source_port"] + cluster + ["endpoints:"]
                        + addresses
                )
            ]
            return configuration
        }

        @Test(arguments: Family.allCases)
        func `serve clients of whom the daemon sees no packet`(family: Family) async throws {
            try await withLab { lab in
                try await lab.startEcho(count: 3)
                _ = try await lab.startBalancer(configuration(family, endpoints: 3))
                let talk = try lab.startTalk(["--count", "60"], at: .listener(family))
                try await talk.waitUntilOpen()
                let rows = try await lab.rows()
                #expect(rows.count == 60)
                #expect(rows.allSatisfy { $0.mode == "spliced" && $0.state == "established" })
                #expect(rows.allSatisfy { $0.cluster == "echo" && $0.listener == "tls" })
                #expect(rows.allSatisfy { $0.serverName == nil && $0.timestamps && $0.sack })
                let report = try await talk.end()
                #expect(report.good == 60 && report.errors.isEmpty, "\(report)")
                #expect(report.ports.count == 3, "\(report)")
                #expect(try await lab.counter("plain_opened") == 60)
                // It is told in time, but not woken.
                let areCounted = await isTrue(within: .seconds(5)) {
                    (try? await lab.counter("daemon_established")) == 60
                }
                #expect(areCounted)
                for seen in ["syn_answered", "hello_recorded", "daemon_classified"] {
                    #expect(try await lab.counter(seen) == 0, "\(seen)")
                }
                // The host's own clients are relayed.
                let own = try lab.startTalk(
                    ["--count", "2"], at: .listener(family), from: .balancer)
                try await own.waitUntilOpen()
                #expect(try await lab.rows().filter { $0.mode == "relayed" }.count == 2)
                try await own.expectGood(2)
            }
        }

        @Test func `give ports back when connections end`() async throws {
            var configuration = configuration(.v4)
            configuration.settings = [
                "limits: {closed_linger: 100ms}", "source: {ports: 20000-20039}",
            ]
            try await withLab { [configuration] lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                // More than there are ports, but not at once.
                for _ in 1...8 {
                    let talk = try lab.startTalk(["--count", "15"], at: .listener(.v4))
                    try await talk.waitUntilOpen()
                    try await talk.expectGood(15)
                    let isEmpty = await isTrue(within: .seconds(10)) {
                        (try? await lab.rows().isEmpty) ?? false
                    }
                    #expect(isEmpty)
                }
                let haveEnded = await isTrue(within: .seconds(5)) {
                    (try? await lab.counter("daemon_ended")) == 120
                }
                #expect(haveEnded)
            }
        }

        /// The endpoint closes first and remembers the port; the next client to come by it has other
        /// numbers and, if any, another clock.
        @Test(arguments: zip(Family.allCases, [true, false]))
        func `connect at once from ports that other clients had`(
            family: Family, usesTimestamps: Bool
        ) async throws {
            var configuration = configuration(family)
            configuration.settings = [
                "limits: {closed_linger: 100ms}", "source: {ports: 20000-20007}",
            ]
            let number = usesTimestamps ? 1 : 0
            try await withLab { [configuration] lab in
                try await lab.startAndWait(
                    .endpoint, [Checkout.reconnect, "serve", "\(Lab.echoPort)"])
                _ = try await lab.startBalancer(configuration)
                _ = try await lab.run(
                    .client, ["sysctl", "-q", "-w", "net.ipv4.tcp_timestamps=\(number)"])
                let sources = (21...28).map { "\(family.client.dropLast(2))\($0)" }
                for source in sources {
                    let entry = ["\(source)/\(family == .v4 ? 24 : 64)", "dev", "net0"]
                    let nodad = family == .v4 ? [] : ["nodad"]
                    _ = try await lab.run(.client, ["ip", "addr", "add"] + entry + nodad)
                }
                let output = try await lab.run(
                    .client,
                    [
                        Checkout.reconnect, "connect", family.vip, "443", "--count", "32",
                        "--sources", sources.joined(separator: ","),
                    ], limit: .seconds(60))
                #expect(output.text == "32 good\n")
                #expect(try await lab.statistic("TcpExtTCPSynRetrans", of: .client) == 0)
                let remembered = try await lab.run(
                    .endpoint, ["ss", "-Htan", "state", "time-wait"])
                let count = remembered.text.split(separator: "\n").count
                #expect((1...8).contains(count), "\(remembered.text)")
            }
        }

        @Test func `reach an endpoint that speaks first`() async throws {
            try await withLab { lab in
                try await lab.startAndWait(
                    .endpoint, [Checkout.greeting, "serve", "\(Lab.echoPort)"])
                _ = try await lab.startBalancer(configuration(.v4))
                let output = try await lab.run(
                    .client, [Checkout.greeting, "meet", Family.v4.vip, "443", "--count", "20"],
                    limit: .seconds(60))
                #expect(output.text.contains("\"good\": 20"), "\(output)")
            }
        }

        /// Whoever lost it, both ends repeat what they said, as without us.
        @Test(arguments: LostPackets.all.filter { $0.kind != "second" })
        func `lose nothing when the first packets are lost`(loss: LostPackets) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration(.v4))
                try await loss.arm(lab, count: 1)
                let talk = try lab.startTalk([], at: .listener(.v4))
                try await talk.waitUntilOpen()
                try await talk.expectGood()
            }
        }

        @Test(arguments: Family.allCases)
        func `bear 5 percent of loss`(family: Family) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration(family))
                try await lab.perform("loss", "5")
                let talk = try lab.startTalk(["--count", "100"], at: .listener(family))
                try await talk.waitUntilOpen(.seconds(60))
                try await talk.expectGood(100)
            }
        }

        @Test(arguments: Family.allCases)
        func `serve on when the daemon dies, and its successor knows their flows`(
            family: Family
        ) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                let configuration = configuration(family)
                let first = try await lab.startBalancer(configuration)
                let old = try lab.startTalk(["--count", "20", "--steady"], at: .listener(family))
                try await old.waitUntilOpen()
                let names = try await lab.rows().map(\.names).sorted()
                try await first.kill()
                // Nobody is needed for new ones either.
                let orphan = try lab.startTalk(["--count", "20"], at: .listener(family))
                try await orphan.waitUntilOpen()
                try await orphan.expectGood(20)
                _ = try await lab.startBalancer(configuration)
                let kept = try await lab.rows("state established").map(\.names).sorted()
                #expect(kept == names)
                let new = try lab.startTalk(["--count", "20"], at: .listener(family))
                try await new.waitUntilOpen()
                try await new.expectGood(20)
                let report = try await old.end()
                #expect(report.good == 20 && report.errors.isEmpty, "\(report)")
                #expect(report.slowest < 0.5, "\(report)")
            }
        }

        @Test func `serve on when the daemon stops and keeps its flows`() async throws {
            try await withLab { lab in
                try await lab.startEcho()
                let configuration = configuration(.v4)
                let first = try await lab.startBalancer(configuration, options: ["--keep-flows"])
                try await first.stop()
                for _ in 1...2 {
                    let talk = try lab.startTalk(["--count", "10"], at: .listener(.v4))
                    try await talk.waitUntilOpen()
                    try await talk.expectGood(10)
                }
                // A successor that has no plain listener takes the address.
                var next = Configuration.echo(.v4)
                next.settings = configuration.settings
                _ = try await lab.startBalancer(next)
                let talk = try lab.startTalk(["--count", "10"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                #expect(try await lab.rows("sni echo.test").count == 10)
                try await talk.expectGood(10)
            }
        }

        @Test func `refuse clients at once when the endpoint does, or none serves`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(configuration(.v4))
                let connect = [
                    "bash", "-c", "(exec 3<>/dev/tcp/\(Family.v4.vip)/443) 2>&1",
                ]
                let refused = try await lab.run(.client, connect, limit: .seconds(3))
                #expect(refused.text.contains("Connection refused"), "\(refused)")
                #expect(try await lab.counter("plain_opened") == 1)
                let drained = try await lab.runBalancer(
                    "drain", "echo", "\(Family.v4.endpoint):\(Lab.echoPort)", "--instance",
                    lab.name)
                #expect(drained.isSuccess, "\(drained)")
                try await Task.sleep(for: .milliseconds(500))
                let turned = try await lab.run(.client, connect, limit: .seconds(3))
                #expect(turned.text.contains("Connection refused"), "\(turned)")
                #expect(try await lab.counter("plain_refused") == 1)
                try await balancer.stop()
            }
        }

        @Test func `leave an endpoint that drains, and keep what it has`() async throws {
            try await withLab { lab in
                try await lab.startEcho(count: 2)
                _ = try await lab.startBalancer(configuration(.v4, endpoints: 2))
                let old = try lab.startTalk(["--count", "30"], at: .listener(.v4))
                try await old.waitUntilOpen()
                let drained = try await lab.runBalancer(
                    "drain", "echo", "\(Family.v4.endpoint):\(Lab.echoPort)", "--instance",
                    lab.name)
                #expect(drained.isSuccess, "\(drained)")
                try await Task.sleep(for: .milliseconds(500))
                let new = try lab.startTalk(["--count", "30"], at: .listener(.v4))
                try await new.waitUntilOpen()
                let report = try await new.end()
                #expect(report.good == 30 && report.ports == ["\(Lab.echoPort + 1)": 30])
                let before = try await old.end()
                #expect(before.good == 30 && before.ports.count == 2, "\(before)")
            }
        }

        @Test func `follow a reload`() async throws {
            try await withLab { lab in
                try await lab.startEcho(count: 2)
                let balancer = try await lab.startBalancer(configuration(.v4))
                let old = try lab.startTalk(["--count", "10"], at: .listener(.v4))
                try await old.waitUntilOpen()
                var next = configuration(.v4)
                next.clusters[0].lines[3] = "  - \"\(Family.v4.endpoint):\(Lab.echoPort + 1)\""
                next.otherListeners = [
                    "more: {address: \"\(Family.v4.vip):444\", mode: plain, default: echo}"
                ]
                _ = try lab.write(next)
                let reloaded = try await lab.runBalancer("reload", "--instance", lab.name)
                #expect(reloaded.isSuccess, "\(reloaded)")
                for port in [443, 444] {
                    let new = try lab.startTalk(
                        ["--count", "10"], at: Target(address: Family.v4.vip, port: port))
                    try await new.waitUntilOpen()
                    let report = try await new.end()
                    #expect(report.ports == ["\(Lab.echoPort + 1)": 10], "\(report)")
                }
                try await old.expectGood(10)
                // Gone, and back again: the datapath was loaded for it.
                var none = next
                none.policy = ["default: echo"]
                none.otherListeners = []
                for configuration in [none, next] {
                    _ = try lab.write(configuration)
                    let reloaded = try await lab.runBalancer("reload", "--instance", lab.name)
                    #expect(reloaded.isSuccess, "\(reloaded)")
                    let talk = try lab.startTalk(["--count", "5"], at: .listener(.v4))
                    try await talk.waitUntilOpen()
                    try await talk.expectGood(5)
                }
                try await balancer.stop()
            }
        }
    }
}
