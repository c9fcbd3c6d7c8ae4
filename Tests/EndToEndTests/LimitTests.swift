// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Limits` {
        /// Who bounds the connections.
        enum Place: String, CaseIterable, Sendable {
            case process, listener, cluster, endpoint

            func configuration(_ most: Int) -> Configuration {
                var configuration = Configuration.echo(.v4)
                configuration.policy = ["reject: reset"]
                let line = "max_connections: \(most)"
                switch self {
                case .process: configuration.settings = ["limits:", "  \(line)"]
                case .listener: configuration.policy.append(line)
                case .cluster: configuration.clusters[0].lines.append(line)
                case .endpoint:
                    configuration.clusters[0].lines = [
                        "endpoints: [{address: 10.0.0.10:\(Lab.echoPort), \(line)}]"
                    ]
                }
                return configuration
            }

            var counter: String {
                self == .endpoint ? "daemon_endpoints_full" : "daemon_\(rawValue)_full"
            }
        }

        private func waits(for counter: String, _ lab: Lab, atLeast least: Int = 1) async throws
            -> Bool
        {
            try await isTrue(within: .seconds(10)) { try await lab.counter(counter) >= least }
        }

        @Test(arguments: Place.allCases)
        func `refuse the 101st of 100 spliced connections until one of them has closed`(
            place: Place
        ) async throws {
            let configuration = place.configuration(100)
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                let most = try lab.startTalk(
                    ["--count", "99", "--bytes", "100"], at: .listener(.v4))
                try await most.waitUntilOpen()
                let last = try lab.startTalk(["--bytes", "100"], at: .listener(.v4))
                try await last.waitUntilOpen()
                #expect(try await lab.flows("state established").count == 100)
                let next = try lab.startTalk(
                    ["--bytes", "100", "--retry", "60"], at: .listener(.v4))
                #expect(try await waits(for: place.counter, lab))
                try await last.expectGood()
                let closed = ContinuousClock.now
                try await next.waitUntilOpen()
                #expect(ContinuousClock.now - closed < .seconds(1))
                let report = try await next.end()
                #expect(report.good == 1 && report.retries["ConnectionResetError"] ?? 0 > 0)
                try await most.expectGood(99)
            }
        }

        @Test func `count what an earlier daemon spliced, and what is relayed`() async throws {
            let configuration = Place.process.configuration(12)
            try await withLab { lab in
                try await lab.startEcho()
                let first = try await lab.startBalancer(configuration)
                let spliced = try lab.startTalk(
                    ["--count", "10", "--bytes", "100"], at: .listener(.v4))
                try await spliced.waitUntilOpen()
                try await first.kill()
                _ = try await lab.startBalancer(configuration)
                let relayed = try lab.startTalk(
                    ["--count", "2", "--bytes", "100"], at: .listener(.v4), from: .balancer)
                try await relayed.waitUntilOpen()
                for role in [Lab.Role.client, .balancer] {
                    let next = try lab.startTalk(
                        ["--bytes", "100"], at: .listener(.v4), from: role)
                    let report = try await next.end()
                    #expect(report.good == 0 && report.errors.count == 1, "\(report)")
                }
                #expect(try await waits(for: "daemon_process_full", lab, atLeast: 2))
                try await relayed.expectGood(2)
                let again = try lab.startTalk(
                    ["--count", "2", "--bytes", "100", "--retry", "30"], at: .listener(.v4))
                try await again.waitUntilOpen()
                try await again.expectGood(2)
                try await spliced.expectGood(10)
            }
        }

        @Test func `send clients of a full endpoint to the others`() async throws {
            var configuration = Configuration.echo(.v4)
            configuration.policy = ["reject: reset"]
            configuration.clusters[0].lines = [
                "endpoints:",
                "  - {address: 10.0.0.10:\(Lab.echoPort), max_connections: 2}",
                "  - {address: 10.0.0.10:\(Lab.echoPort + 1), max_connections: 7}",
            ]
            try await withLab { [configuration] lab in
                try await lab.startEcho(count: 2)
                _ = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(
                    ["--count", "9", "--bytes", "100"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                let next = try lab.startTalk(["--bytes", "100"], at: .listener(.v4))
                #expect(try await next.end().good == 0)
                #expect(try await waits(for: "daemon_endpoints_full", lab))
                let report = try await talk.end()
                #expect(report.good == 9)
                #expect(report.ports == ["\(Lab.echoPort)": 2, "\(Lab.echoPort + 1)": 7])
            }
        }

        // Lists.

        private func denying(_ family: Family, _ lines: [String]) -> Configuration {
            var configuration = Configuration.kafka(family)
            configuration.policy = ["access:"] + lines.map { "  \($0)" }
            return configuration
        }

        /// What a connection attempt comes to: curl's exit status, 28 for silence, 7 for an RST.
        private func knock(_ lab: Lab, _ family: Family, from role: Lab.Role = .client) async throws
            -> Int32
        {
            try await lab.greet(
                "kafka1.server.test", at: .listener(family), from: role,
                options: ["--connect-timeout", "2"]
            ).status
        }

        @Test(arguments: Family.allCases, ["drop", "reset"])
        func `keep denied sources from costing anything`(family: Family, how: String) async throws {
            let block = family == .v4 ? "198.51.100.0/25" : "2001:db8:c::/64"
            let configuration = denying(family, ["deny: \"\(block)\"", "denied: \(how)"])
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration)
                #expect(try await knock(lab, family) == (how == "drop" ? 28 : 7))
                #expect(try await lab.counter("source_denied") > 0)
                for counter in ["syn_answered", "hello_recorded", "daemon_rejected"] {
                    #expect(try await lab.counter(counter) == 0, "\(counter)")
                }
                // The host's own clients have no datapath in front, and another address.
                #expect(try await knock(lab, family, from: .balancer) == 0)
            }
        }

        @Test func `let nobody in who is on no list, not even from the host itself`() async throws {
            var configuration = denying(.v4, ["allow: 198.51.100.0/24"])
            try await withLab { [configuration] lab in
                let balancer = try await lab.startBalancer(configuration)
                #expect(try await knock(lab, .v4) == 0)
                #expect(try await knock(lab, .v4, from: .balancer) != 0)
                #expect(try await waits(for: "daemon_socket_denied", lab))
                let output = try await lab.runBalancer(
                    "explain", "\(lab.state)/sluice.yaml", "--sni", "kafka1.server.test", "--src",
                    "192.0.2.1")
                #expect(output.text.contains("denied    by access of the listener"), "\(output)")
                let named = try await lab.runBalancer(
                    "explain", "\(lab.state)/sluice.yaml", "--sni", "kafka1.server.test", "--src",
                    "192.0.2.1", "--proxy", "198.51.100.7")
                #expect(named.isSuccess && !named.text.contains("denied"), "\(named)")
                try await balancer.stop()
            }
            // For all listeners, and from a file.
            configuration.policy = []
            try await withLab { [configuration] lab in
                var configuration = configuration
                let file = "\(lab.state)/denied.txt"
                let blocks = (0..<50_000).map { "10.\($0 / 256).\($0 % 256).0/24" }
                let text = (blocks + ["198.51.100.10 # the client"]).joined(separator: "\n")
                try text.write(toFile: file, atomically: true, encoding: .utf8)
                configuration.settings = ["limits: {access: {deny_file: \(file)}}"]
                _ = try await lab.startBalancer(configuration)
                #expect(try await knock(lab, .v4) == 28)
                #expect(try await knock(lab, .v4, from: .balancer) == 0)
            }
        }

        // Reloads.

        private func reload(_ balancer: Balancer, _ configuration: Configuration) async throws {
            let before = balancer.lab.logged("configuration reloaded")
            _ = try balancer.lab.write(configuration)
            balancer.reload()
            let isDone = await isTrue(within: .seconds(10)) {
                balancer.lab.logged("configuration reloaded") > before
            }
            #expect(isDone)
        }

        @Test func `change by a reload, and connections stay and stay counted`() async throws {
            let first = Place.process.configuration(3)
            var denying = Place.process.configuration(4)
            denying.policy.append("access: {deny: 198.51.100.10, denied: reset}")
            var allowing = denying
            allowing.policy[1] = "access: {deny: [198.51.100.0/24], allow: 198.51.100.10}"
            try await withLab { [first, denying, allowing] lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(first)
                func open(_ count: Int) async throws -> Talk {
                    let talk = try lab.startTalk(
                        ["--count", "\(count)", "--bytes", "100"], at: .listener(.v4))
                    try await talk.waitUntilOpen()
                    return talk
                }
                let three = try await open(3)
                #expect(try await open(1).end().good == 0)
                try await reload(balancer, denying)
                #expect(try await open(1).end().good == 0)
                #expect(try await lab.counter("source_denied") == 1)
                try await reload(balancer, allowing)
                let fourth = try await open(1)
                #expect(try await open(1).end().good == 0)
                #expect(try await lab.counter("source_denied") == 1)
                try await fourth.expectGood()
                try await three.expectGood(3)
                try await reload(balancer, first)
                try await open(3).expectGood(3)
            }
        }

        @Test func `of a source change by a reload`() async throws {
            let (wide, narrow) = (
                perSource("connections: 3, above: reset"),
                perSource("connections: 2, above: reset")
            )
            var none = wide
            none.policy.removeLast()
            try await withLab { [none] lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(wide)
                let two = try lab.startTalk(
                    ["--count", "2", "--bytes", "100"], at: .listener(.v4))
                try await two.waitUntilOpen()
                try await reload(balancer, narrow)
                let next = try lab.startTalk(["--bytes", "100"], at: .listener(.v4))
                #expect(try await next.end().good == 0)
                #expect(try await lab.counter("source_full") == 1)
                try await reload(balancer, none)
                let third = try lab.startTalk(["--bytes", "100"], at: .listener(.v4))
                try await third.expectGood()
                try await reload(balancer, narrow)
                try await two.expectGood(2)
                // What was counted under another bound is given back all the same.
                let again = try lab.startTalk(
                    ["--count", "2", "--bytes", "100", "--retry", "30"], at: .listener(.v4))
                try await again.expectGood(2)
                #expect(try await lab.counter("source_full") == 1)
            }
        }

        @Test func `of a source's pace say where a reload finds little room`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.echo(.v4))
                try await reload(balancer, perSource("connections: 3"))
                #expect(lab.logged("has little room") == 0)
                try await reload(balancer, perSource("rate: 1/m"))
                #expect(lab.logged("has little room") == 1)
            }
        }

        // Sources.

        private func perSource(_ line: String) -> Configuration {
            var configuration = Configuration.echo(.v4)
            configuration.policy = ["reject: reset", "per_source: {\(line)}"]
            return configuration
        }

        @Test func `bound the connections of a source in the datapath`() async throws {
            let configuration = perSource("connections: 5, above: reset")
            try await withLab { lab in
                try await lab.startEcho()
                let first = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(
                    ["--count", "5", "--bytes", "100"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                // A later daemon counts them as well.
                try await first.kill()
                _ = try await lab.startBalancer(configuration)
                let classified = try await lab.counter("daemon_classified")
                let next = try lab.startTalk(["--bytes", "100"], at: .listener(.v4))
                let report = try await next.end()
                #expect(report.good == 0 && report.errors.count == 1, "\(report)")
                #expect(
                    report.errors.keys.allSatisfy { $0.hasPrefix("ConnectionRefusedError") },
                    "\(report)")
                #expect(try await lab.counter("source_full") == 1)
                #expect(try await lab.counter("daemon_classified") == classified)
                let other = try lab.startTalk(
                    ["--bytes", "100"], at: .listener(.v4), from: .balancer)
                try await other.expectGood()
                try await talk.expectGood(5)
                let again = try lab.startTalk(
                    ["--count", "5", "--bytes", "100", "--retry", "30"], at: .listener(.v4))
                try await again.expectGood(5)
            }
        }

        @Test func `never let more of a source in, however many come at once`() async throws {
            let configuration = perSource("connections: 10")
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(
                    ["--count", "40", "--bytes", "100", "--limit", "5"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                #expect(try await lab.flows("state established").count == 10)
                #expect(try await talk.end().good == 10)
            }
        }

        @Test(arguments: [false, true])
        func `bound how fast a source opens connections`(isDryRun: Bool) async throws {
            let configuration = perSource(
                "rate: 1/m, burst: 5, above: reset, dry_run: \(isDryRun ? "on" : "off")")
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                for role in [Lab.Role.client, .balancer] {
                    let talk = try lab.startTalk(
                        ["--count", "8", "--bytes", "100", "--parallel", "1"], at: .listener(.v4),
                        from: role)
                    let report = try await talk.end()
                    #expect(report.good == (isDryRun ? 8 : 5), "\(report)")
                }
                let (seen, relayed) =
                    isDryRun
                    ? ("fast_dry_run", "daemon_socket_fast_dry_run")
                    : ("source_too_fast", "daemon_socket_too_fast")
                #expect(try await lab.counter(seen) == 3)
                #expect(try await waits(for: relayed, lab, atLeast: 3))
            }
        }
    }
}
