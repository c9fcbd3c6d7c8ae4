// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WireChecking

extension EndToEndBeside {
    /// ID-04: endpoints that see their clients' own addresses and ports, and answer by way of us.
    @Suite(.needsBalancer) struct `A client's own address towards its endpoint` {
        private static let port = 43210

        private func configuration(_ family: Family, endpoints: Int = 1) -> Configuration {
            var configuration = Configuration.echo(family)
            configuration.addresses.append(family.join(family.vip, 8443))
            configuration.clusters[0].lines =
                ["transparent: on", "endpoints:"]
                + (0..<endpoints).map {
                    "  - \"\(family.join(family.endpoint, Lab.echoPort + $0))\""
                }
            return configuration
        }

        private func transparentKafka(_ family: Family) -> Configuration {
            var configuration = Configuration.kafka(family)
            for index in configuration.clusters.indices {
                configuration.clusters[index].lines.insert("transparent: on", at: 0)
            }
            return configuration
        }

        /// The endpoint's way to clients leads to the balancer, which need not forward anything else.
        private func withLab(
            _ layout: Lab.Layout = .usual, forwarding: Bool = false, echoes: Int = 1,
            _ body: @Sendable (Lab) async throws -> Void
        ) async throws {
            try await EndToEndTests.withLab(layout, direct: forwarding) { lab in
                try await lab.startEcho(count: echoes)
                if !forwarding {
                    for route in [
                        ["198.51.100.0/24", "via", "10.0.0.1"],
                        ["2001:db8:c::/64", "via", "fd00:e::1"],
                    ] {
                        let line = ["ip", "route", "replace"] + route
                        let output = try await lab.run(.endpoint, line)
                        #expect(output.isSuccess, "\(output)")
                    }
                }
                try await body(lab)
            }
        }

        private func sockets(_ lab: Lab, _ role: Lab.Role = .endpoint) async throws -> String {
            try await lab.run(role, ["ss", "-Htn", "state", "established"]).text
        }

        private func expectSeen(_ talk: Talk, _ count: Int = 1) async throws {
            let report = try await talk.end()
            #expect(report.good == count && report.seen == count, "\(report)")
            #expect(report.errors.isEmpty, "\(report)")
        }

        private func start(
            _ lab: Lab, _ family: Family, by listener: Int = 443, _ options: [String] = []
        ) async throws -> Talk {
            let talk = try lab.startTalk(
                ["--bytes", "20000", "--local-port", "\(Self.port)"] + options,
                at: Target(address: family.vip, port: listener))
            try await talk.waitUntilOpen()
            return talk
        }

        @Test(
            arguments: [
                (.twoArm, false), (.oneArm, true), (.tun, false), (.routed, true),
            ] as [(Lab.Layout, Bool)], Family.allCases)
        func `is what the endpoint sees, and takes no port of ours`(
            layout: (Lab.Layout, Bool), family: Family
        ) async throws {
            let configuration = configuration(family, endpoints: 2)
            try await withLab(layout.0, forwarding: layout.1, echoes: 2) { lab in
                _ = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(
                    ["--count", "300", "--bytes", "20000"], at: .listener(family))
                try await talk.waitUntilOpen()
                let rows = try await lab.rows("state established")
                #expect(rows.count == 300 && Set(rows.map(\.client)).count == 300)
                #expect(rows.allSatisfy { $0.balancer == $0.client && $0.mode == "spliced" })
                let peers = try await sockets(lab).split(separator: "\n")
                #expect(peers.count == 300)
                #expect(peers.allSatisfy { $0.contains(family.client) }, "\(peers)")
                try await expectSeen(talk, 300)
                #expect(try await lab.counter("daemon_relayed") == 0)
            }
        }

        /// Both captures against each other.
        @Test(.needsCapture, arguments: Family.allCases)
        func `is in every packet on the endpoint's wire, and nothing else differs`(
            family: Family
        ) async throws {
            let configuration = transparentKafka(family)
            try await withLab(.twoArm) { lab in
                try await lab.perform("file", "1")
                let hash = try await lab.hash(of: "1.bin")
                _ = try await lab.startBalancer(configuration)
                try await lab.perform("loss", "2")
                let check = try await lab.whileCapturing {
                    let transfers = try (0..<6).flatMap { _ in
                        [
                            try lab.startDownload("/1.bin", from: .listener(family)),
                            try lab.startUpload("1.bin", to: .listener(family)),
                        ]
                    }
                    for transfer in transfers {
                        #expect(try await transfer.wait().text.hasPrefix(hash))
                    }
                }
                #expect(check.violations.isEmpty, "\(check)")
                #expect(check.figures.flows == 12 && check.figures.unpaired == 0, "\(check)")
                let rows = try await lab.rows()
                #expect(rows.count == 12 && rows.allSatisfy { $0.balancer == $0.client })
            }
        }

        @Test(arguments: Family.allCases)
        func `bears 5 percent of loss`(family: Family) async throws {
            let configuration = configuration(family)
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration)
                try await lab.perform("loss", "5")
                let talk = try lab.startTalk(
                    ["--count", "100", "--bytes", "20000"], at: .listener(family))
                try await talk.waitUntilOpen()
                try await expectSeen(talk, 100)
                #expect(try await lab.counter("daemon_relayed") == 0)
            }
        }

        /// A thousand ports, so that each is used again and again while its last flow lingers.
        @Test(arguments: Family.allCases)
        func `bears many connections in a row, and nothing is left of them`(
            family: Family
        ) async throws {
            var configuration = transparentKafka(family)
            configuration.settings = []
            try await withLab { [configuration] lab in
                let ports = ["sysctl", "-q", "net.ipv4.ip_local_port_range=20000 20999"]
                _ = try await lab.run(.client, ports)
                _ = try await lab.startBalancer(configuration)
                let volley = try await lab.fire(
                    "stub.test", at: .listener(family), options: ["-c", "10000"])
                #expect(volley.connections == 10_000 && volley.failed == 0, "\(volley)")
                let isEmpty = try await isTrue(within: .seconds(20)) {
                    let counts = try await [
                        lab.counter("daemon_established"), lab.counter("daemon_ended"),
                    ]
                    let rows = try await lab.flows()
                    return rows.isEmpty && counts == [10_000, 10_000]
                }
                #expect(isEmpty)
                #expect(try await lab.counter("daemon_relayed") == 0)
            }
        }

        /// Flows that are over linger for 20 s here, longer than a client waits.
        @Test(arguments: Family.allCases)
        func `may be used again by the client while the last flow lingers`(
            family: Family
        ) async throws {
            let configuration = configuration(family)
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration)
                for isAborted in [false, true, true, false, false] {
                    let talk = try await start(lab, family, isAborted ? ["--abort"] : [])
                    let report = try await talk.end()
                    #expect(report.good == 1 && report.seen == (isAborted ? 0 : 1), "\(report)")
                    // Linux uses a port in TIME_WAIT again after a second.
                    if !isAborted { try await Task.sleep(for: .milliseconds(1200)) }
                }
                #expect(try await lab.counter("daemon_relayed") == 0)
                let isCounted = try await isTrue(within: .seconds(3)) {
                    try await lab.counter("daemon_ended") == 4
                }
                #expect(isCounted, "the last one lingers")
                #expect(try await lab.rows().count == 1)
            }
        }

        /// TIME_WAIT is the endpoint's then, and the next SYN comes at once.
        @Test(arguments: Family.allCases)
        func `may be used again when the endpoint closed first`(family: Family) async throws {
            let server = """
                import socket
                s = socket.create_server(("::", 9800), family=socket.AF_INET6, dualstack_ipv6=True)
                print("listening", flush=True)
                while True:
                    c, peer = s.accept()
                    c.recv(9999)
                    c.sendall(f"{peer[0]} {peer[1]}\\n".replace("::ffff:", "").encode())
                    c.close()
                """
            let client = """
                import socket, subprocess, sys, time
                hello = subprocess.run([sys.argv[1], "echo.test"], capture_output=True).stdout
                for _ in range(30):
                    c = socket.socket(socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET)
                    c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    c.settimeout(20)
                    c.bind(("", \(Self.port)))
                    while c.connect_ex((sys.argv[2], 443)): time.sleep(0.001)
                    c.sendall(hello)
                    while piece := c.recv(999): print(piece.decode(), end="")
                    c.close()
                """
            var configuration = configuration(family)
            configuration.clusters[0].lines = [
                "transparent: on", "endpoints: [\"\(family.join(family.endpoint, 9800))\"]",
            ]
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                try await lab.startAndWait(.endpoint, ["python3", "-c", server])
                let line = ["python3", "-c", client, Checkout.makeHello, family.vip]
                let output = try await lab.run(.client, line)
                let expected = String(repeating: "\(family.client) \(Self.port)\n", count: 30)
                #expect(output.text == expected, "\(output)")
                #expect(try await lab.counter("daemon_relayed") == 0)
                #expect(try await lab.rows().count == 1)
            }
        }

        /// The endpoint missed the end of the last connection: it answers the SYN by an ACK.
        @Test(arguments: Family.allCases)
        func `is taken again by an endpoint that remembers it`(family: Family) async throws {
            let configuration = configuration(family)
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration)
                let old = try await start(lab, family)
                for row in try await lab.flowTable() { try await lab.remove(row) }
                // Nobody hears of its end.
                let report = try await old.end()
                #expect(report.good == 0, "\(report)")
                #expect(try await sockets(lab).contains("\(Self.port)"))
                let talk = try await start(lab, family)
                try await expectSeen(talk)
                let isCounted = try await isTrue(within: .seconds(2)) {
                    try await lab.counter("daemon_failed_attempts") == 1
                }
                #expect(isCounted)
                #expect(try await lab.counter("daemon_relayed") == 0)
            }
        }

        @Test(arguments: Family.allCases)
        func `goes to another endpoint when it is out by another listener, or is ours`(
            family: Family
        ) async throws {
            let configuration = configuration(family, endpoints: 2)
            try await withLab(echoes: 2) { lab in
                _ = try await lab.startBalancer(configuration)
                let first = try await start(lab, family, ["--steady"])
                let second = try await start(lab, family, by: 8443, ["--steady"])
                let rows = try await lab.rows("state established")
                #expect(Set(rows.map(\.endpoint)).count == 2, "\(rows)")
                #expect(rows.allSatisfy { $0.balancer == $0.client && $0.mode == "spliced" })
                try await expectSeen(first)
                try await expectSeen(second)
            }
            let single = self.configuration(family)
            try await withLab { lab in
                _ = try await lab.startBalancer(single)
                let first = try await start(lab, family, ["--steady"])
                let second = try await start(lab, family, by: 8443, ["--steady"])
                #expect(
                    try await lab.rows("mode spliced").map(\.listenerAddress)
                        == [family.join(family.vip, 443)])
                #expect(try await lab.rows("mode relayed").map(\.relayReason) == ["no-port"])
                let report = try await second.end()
                #expect(report.good == 1 && report.seen == 0, "\(report)")
                try await expectSeen(first)
            }
        }

        @Test(arguments: Family.allCases)
        func `is ours when the connection must be relayed, and flowdump says why`(
            family: Family
        ) async throws {
            let configuration = configuration(family)
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration)
                let talk = try await start(lab, family, ["--manner", "urgent"])
                let row = try #require(try await lab.rows().first)
                #expect(row.mode == "relayed" && row.relayReason == "urgent-data", "\(row)")
                #expect(row.balancer != row.client)
                let report = try await talk.end()
                #expect(report.good == 1 && report.seen == 0, "\(report)")
            }
        }

        @Test(arguments: Family.allCases)
        func `outlives the daemon, and the next one gives it to nobody else`(
            family: Family
        ) async throws {
            let configuration = configuration(family)
            try await withLab { lab in
                let balancer = try await lab.startBalancer(configuration)
                let first = try await start(lab, family, ["--steady"])
                let closing = try lab.startTalk(["--bytes", "2000"], at: .listener(family))
                try await closing.waitUntilOpen()
                try await balancer.kill()
                try await Task.sleep(for: .milliseconds(500))
                // It is over while nobody listens.
                try await expectSeen(closing)
                _ = try await lab.startBalancer(configuration)
                let rows = try await lab.rows("state established")
                #expect(rows.map(\.balancer) == rows.map(\.client) && rows.count == 1)
                let second = try await start(lab, family, by: 8443)
                #expect(try await lab.rows("mode relayed").map(\.relayReason) == ["no-port"])
                #expect(try await second.end().good == 1)
                try await expectSeen(first)
                try await Task.sleep(for: .milliseconds(1200))
                // The successor heard of the end.
                let third = try await start(lab, family)
                try await expectSeen(third)
                #expect(try await lab.counter("daemon_relayed") == 1)
            }
        }

        @Test(arguments: [false, true], Family.allCases)
        func `is known again when the kernel forgot a direction`(
            ofClient: Bool, family: Family
        ) async throws {
            let configuration = transparentKafka(family)
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration)
                let hash = try await lab.hash(of: "16.bin")
                let download = try lab.startDownload("/slow/16.bin", from: .listener(family))
                let hasBegun = try await isTrue(within: .seconds(10)) {
                    try await lab.flows("state established and bytes > 500KiB").count == 1
                }
                #expect(hasBegun)
                for row in try await lab.flowTable() where row.isOfClient == ofClient {
                    try await lab.remove(row)
                }
                let isWhole = try await isTrue(within: .seconds(15)) {
                    try await lab.counter("daemon_restored") == 1
                }
                #expect(isWhole)
                let row = try #require(try await lab.rows().first)
                #expect(row.balancer == row.client)
                #expect(try await download.wait().text.hasPrefix(hash))
            }
        }

        @Test(arguments: ["flowdump kill", "idle"], Family.allCases)
        func `is in the RST that ends the connection at both ends`(
            who: String, family: Family
        ) async throws {
            var configuration = configuration(family)
            configuration.settings = ["limits:"]
            configuration.settings +=
                who == "idle"
                ? ["  idle_probe: off", "  idle_timeout: 2s"] : ["  closed_linger: 200ms"]
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                let talk = try await start(lab, family)
                if who != "idle" {
                    let line = [Checkout.flowdump, "kill", "--instance", lab.name, "sni echo.test"]
                    let killed = try await lab.run(.balancer, line)
                    #expect(killed.text == "1 connections reset\n", "\(killed)")
                }
                let isGone = try await isTrue(within: .seconds(15)) {
                    let client = try await sockets(lab, .client)
                    let endpoint = try await sockets(lab)
                    return client.isEmpty && endpoint.isEmpty
                }
                #expect(isGone)
                let isRemoved = try await isTrue(within: .seconds(5)) {
                    let ended = try await lab.counter("daemon_ended")
                    let rows = try await lab.rows()
                    return rows.isEmpty && ended == 1
                }
                #expect(isRemoved)
                #expect(try await talk.end().good == 0)
                try await expectSeen(try await start(lab, family))
            }
        }

        @Test(arguments: [Lab.Role.east, .west], Family.allCases)
        func `is that of ICMP errors by which the path's MTU is found`(
            router: Lab.Role, family: Family
        ) async throws {
            let configuration = transparentKafka(family)
            try await withLab(.routed, forwarding: true) { lab in
                _ = try await lab.startBalancer(configuration)
                try await lab.perform("pace", "4096")
                let hash = try await lab.hash(of: "16.bin")
                let isUpload = router == .east
                let transfer =
                    isUpload
                    ? try lab.startUpload(
                        "16.bin", to: .listener(family), options: ["--limit-rate", "4M"])
                    : try lab.startDownload("/slow/16.bin", from: .listener(family))
                let hasBegun = try await isTrue(within: .seconds(10)) {
                    try await lab.flows("state established and bytes > 500KiB").count == 1
                }
                #expect(hasBegun)
                let device = isUpload ? "endpoint" : "client"
                let change = try await lab.run(
                    router, ["ip", "link", "set", device, "mtu", "1280"])
                #expect(change.isSuccess, "\(change)")
                #expect(try await transfer.wait().text.hasPrefix(hash))
                #expect(try await lab.counter("icmp_translated") >= 1)
                let row = try #require(try await lab.rows().first)
                #expect(row.mode == "spliced" && row.balancer == row.client, "\(row)")
            }
        }
    }
}
