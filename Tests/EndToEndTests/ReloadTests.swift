// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import Testing

extension EndToEnd {
    /// LC-01, LC-12, CF-04, CF-07: another configuration while connections come.
    @Suite(.needsBalancer) struct `Reloads` {
        private static let done = "configuration reloaded"
        private static let refused = "configuration not reloaded"

        @Test func `a hundred of them refuse nobody and reset nobody`() async throws {
            var first = Configuration.kafka(.v4)
            first.settings = []
            first.policy = ["reject: reset"]
            // Other places for all clusters, another listener, and one name goes elsewhere.
            var second = first
            second.clusters.reverse()
            second.clusters.append(("more", ["endpoints: [\"10.0.0.11:9443\"]"]))
            second.routes.append(("later.test", "more"))
            second.otherListeners = [
                "other:", "  addresses: [\"192.0.2.1:8443\"]", "  default: more",
            ]
            try await withLab { [first, second] lab in
                let balancer = try await lab.startBalancer(first)
                let download = try lab.startDownload("/slow/16.bin", from: .listener(.v4))
                let isOver = Atomic<Bool>(false)
                let volleys = Task {
                    var (count, failed) = (0, 0)
                    while !isOver.load(ordering: .relaxed) {
                        let volley = try await lab.fire(
                            "stub.test", at: .listener(.v4), options: ["-c", "2000", "-p", "4"])
                        count += volley.connections
                        failed += volley.failed
                    }
                    return (count, failed)
                }
                var reloads = 0
                for round in 1...100 {
                    _ = try lab.write(round.isMultiple(of: 2) ? first : second)
                    balancer.reload()
                    reloads += 1
                    let isDone = await isTrue(within: .seconds(10)) {
                        lab.logged(Self.done) == reloads
                    }
                    #expect(isDone, "reload \(round)")
                    guard isDone else { break }
                    // Ten a second: connections of every age meet one.
                    try await Task.sleep(for: .milliseconds(70))
                }
                isOver.store(true, ordering: .relaxed)
                let (count, failed) = try await volleys.value
                #expect(count > 5000 && failed == 0, "\(count) connections, \(failed) failed")
                #expect(lab.logged(Self.refused) == 0)
                let hash = try await lab.hash(of: "16.bin")
                #expect(try await download.wait(.seconds(60)).text.hasPrefix(hash))

                // What is new holds from the next client on, and what is gone holds no more.
                let fresh = ["-c", "1"]
                _ = try lab.write(second)
                try await reload(balancer)
                let later = try await lab.fire("later.test", at: .listener(.v4), options: fresh)
                #expect(later.failed == 0, "\(later)")
                let other = Target(address: "192.0.2.1", port: 8443)
                #expect(try await lab.fire("any.test", at: other, options: fresh).failed == 0)
                _ = try lab.write(first)
                try await reload(balancer)
                let gone = try await lab.fire("later.test", at: .listener(.v4), options: fresh)
                #expect(gone.failed == 1, "\(gone)")
                #expect(try await lab.fire("any.test", at: other, options: fresh).failed == 1)
                let relayed = try await lab.flows("mode relayed").count
                #expect(relayed == 0)
            }
        }

        @Test func `leave health as it is, and its checks go on`() async throws {
            var configuration = Configuration.echo(.v4)
            configuration.settings += ["log: {format: json}"]
            @Sendable func lines(_ ports: [Int]) -> [String] {
                ["health: {interval: 200ms, timeout: 1s, fall: 2, rise: 2}", "endpoints:"]
                    + ports.map { "  - 10.0.0.10:\($0)" }
            }
            configuration.clusters = [("echo", lines([9700, 9701]))]
            try await withLab { [configuration] lab in
                try await lab.startEcho(port: 9700)
                let balancer = try await lab.startBalancer(configuration)
                #expect(try await lab.wait(for: "down", of: 9701))
                // One more, in front: the others have other places.
                var more = configuration
                more.clusters = [("echo", lines([9702, 9700, 9701]))]
                let third = try await lab.startEcho(port: 9702)
                _ = try lab.write(more)
                try await reload(balancer)
                let talk = try lab.startTalk(
                    ["--count", "4", "--bytes", "100"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                #expect(try await talk.end().ports == ["9700": 2, "9702": 2])
                third.send(SIGKILL)
                #expect(try await lab.wait(for: "down", of: 9702))
                try await lab.startEcho(port: 9701)
                #expect(try await lab.wait(for: "up", of: 9701))
                let told = try lab.healthLines(9701).map(\.health)
                #expect(told == ["down", "up"], "not told anew at the reload")
                #expect(try await answering(lab) == ["9700": 1, "9701": 1])
            }
        }

        /// A start without it knows its flows all the same: their ports are taken.
        @Test func `bring back an endpoint whose flows are open`() async throws {
            func configuration(_ port: Int) -> Configuration {
                .echo(.v4, at: "10.0.0.10:\(port)")
            }
            let (before, between) = (configuration(9700), configuration(9701))
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                try await lab.startEcho(port: 9701)
                let first = try await lab.startBalancer(before)
                let long = try lab.startTalk(
                    ["--count", "20", "--steady", "--pause", "0.05"], at: .listener(.v4))
                try await long.waitUntilOpen()
                try await first.kill()
                let second = try await lab.startBalancer(between)
                _ = try lab.write(before)
                try await reload(second)
                let more = try lab.startTalk(
                    ["--count", "40", "--bytes", "100"], at: .listener(.v4))
                try await more.waitUntilOpen()
                struct Row: Decodable { var balancer: String }
                let rows = try await lab.flows("endpoint 10.0.0.10:9700").map {
                    try JSONDecoder().decode(Row.self, from: Data($0.utf8)).balancer
                }
                #expect(rows.count == 60 && Set(rows).count == 60, "each has a port of its own")
                #expect(try await more.end().good == 40)
                #expect(try await long.end().good == 20)
            }
        }

        /// SIGHUP, and the line that says what came of it.
        private func reload(_ balancer: Balancer, expecting line: String = done) async throws {
            let before = balancer.lab.logged(line)
            balancer.reload()
            let isThere = await isTrue(within: .seconds(10)) {
                balancer.lab.logged(line) == before + 1
            }
            #expect(isThere, "no line \"\(line)\"")
        }

        /// A reload of it with a route to nowhere.
        private func refuse(_ balancer: Balancer, _ good: Configuration) async throws {
            var broken = good
            broken.routes.append(("x.test", "nowhere"))
            _ = try balancer.lab.write(broken)
            try await reload(balancer, expecting: Self.refused)
        }

        @Test func `of a broken file keep the old configuration, and say what is wrong`()
            async throws
        {
            try await withLab { lab in
                let good = Configuration.kafka(.v4)
                let balancer = try await lab.startBalancer(good)
                try await refuse(balancer, good)
                let log = try String(contentsOfFile: lab.balancerLog, encoding: .utf8)
                #expect(log.contains("sluice.yaml:"), "the line is named")
                #expect(log.contains("\"nowhere\""))
                #expect(try await lab.greet("kafka1.server.test", at: .listener(.v4)).isSuccess)

                // What only a start can change, and an address that is not there.
                var larger = good
                larger.settings = ["limits: {flows: 4096, closed_linger: 20s}"]
                _ = try lab.write(larger)
                try await reload(balancer, expecting: Self.refused)
                #expect(lab.logged("\"limits.flows\" can change only at a start") == 1)
                var foreign = good
                foreign.addresses.append("192.0.2.77:443")
                _ = try lab.write(foreign)
                try await reload(balancer, expecting: Self.refused)
                #expect(lab.logged("the address is not one of this host's") == 1)
                #expect(try await lab.greet("kafka1.server.test", at: .listener(.v4)).isSuccess)

                #expect(try await lastReload(lab) == "0")
                _ = try lab.write(good)
                try await reload(balancer)
                #expect(try await lastReload(lab) == "1")
                // They are published a few times a second.
                let isCounted = try await isTrue(within: .seconds(2)) {
                    let counters = try await Command.run(
                        [Checkout.flowdump, "counters", "--instance", lab.name, "-o", "json"]
                    ).text
                    return counters.contains("\"daemon_reload_refused\":3")
                        && counters.contains("\"daemon_reloaded\":1")
                }
                #expect(isCounted)
            }
        }

        @Test func `that were refused are history after a start, which tells of sizes that stay`()
            async throws
        {
            try await withLab { lab in
                let good = Configuration.kafka(.v4)
                let balancer = try await lab.startBalancer(good)
                try await refuse(balancer, good)
                #expect(try await lastReload(lab) == "0")
                try await balancer.kill()
                var larger = good
                larger.settings = ["limits: {flows: 4096}"]
                _ = try await lab.startBalancer(larger)
                #expect(try await lastReload(lab) == "1")
                #expect(lab.logged("a size stays as it was, for flows were kept") == 1)
            }
        }

        /// What the metric says.
        private func lastReload(_ lab: Lab) async throws -> String {
            let line = "sluice_config_last_reload_ok{sluice=\"\(lab.name)\"} "
            let metrics = try await Command.run(
                [Checkout.flowdump, "metrics", "--instance", lab.name]
            ).text
            let place = try #require(metrics.range(of: line))
            return String(metrics[place.upperBound...].prefix { !$0.isNewline })
        }

        @Test func `follow the file when asked to, and files of endpoints always`() async throws {
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                try await lab.startEcho(port: 9701)
                let list = "\(lab.state)/echo.endpoints"
                try "10.0.0.10:9700\n".write(toFile: list, atomically: true, encoding: .utf8)
                var configuration = Configuration.echo(.v4)
                configuration.clusters = [("echo", ["endpoints_file: echo.endpoints"])]
                _ = try await lab.startBalancer(configuration, options: ["--watch"])
                #expect(try await answering(lab) == ["9700": 2])

                // Whoever still writes is not done, however much there is already.
                let writer = try FileHandle(forWritingTo: URL(fileURLWithPath: list))
                try writer.truncate(atOffset: 0)
                try writer.write(contentsOf: Data("10.0.0.10:9701\n10.0.".utf8))
                try await Task.sleep(for: .seconds(1))
                #expect(lab.logged(Self.done) == 0)
                #expect(try await answering(lab) == ["9700": 2])
                try writer.seek(toOffset: 0)
                try writer.truncate(atOffset: 0)
                try writer.write(contentsOf: Data("10.0.0.10:9701 # the new one\n".utf8))
                try writer.close()
                let isDone = await isTrue(within: .seconds(1)) { lab.logged(Self.done) == 1 }
                #expect(isDone)
                #expect(try await answering(lab) == ["9701": 2])

                try "10.0.0.10:9700 weight=1\n".write(
                    toFile: list, atomically: true, encoding: .utf8)
                let isNext = await isTrue(within: .seconds(1)) { lab.logged(Self.done) == 2 }
                #expect(isNext)
                #expect(try await answering(lab) == ["9700": 2])

                try "10.0.0.10\n".write(toFile: list, atomically: true, encoding: .utf8)
                let isRefused = await isTrue(within: .seconds(1)) { lab.logged(Self.refused) == 1 }
                #expect(isRefused)
                #expect(lab.logged("line 1 of") == 1)
                #expect(try await answering(lab) == ["9700": 2])

                configuration.clusters = [("echo", ["- 10.0.0.10:9701"])]
                _ = try lab.write(configuration)
                let isFollowed = await isTrue(within: .seconds(1)) { lab.logged(Self.done) == 3 }
                #expect(isFollowed, "the configuration itself, with --watch")
                #expect(try await answering(lab) == ["9701": 2])
            }
        }

        /// By links and directories that are replaced on the way to it, too.
        @Test func `follow a file of routes, and refuse it whole when a line is wrong`()
            async throws
        {
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                try await lab.startEcho(port: 9701)
                let files = FileManager.default
                func write(_ text: String, _ name: String) throws {
                    try text.write(
                        toFile: "\(lab.state)/\(name)", atomically: true, encoding: .utf8)
                }
                func expect(
                    _ sentence: String, _ count: Int, then port: String,
                    _ location: SourceLocation = #_sourceLocation
                ) async throws {
                    let isTold = await isTrue(within: .seconds(1)) { lab.logged(sentence) == count }
                    #expect(isTold, "\(sentence) \(count)", sourceLocation: location)
                    #expect(try await answering(lab) == [port: 2], sourceLocation: location)
                }
                for (folder, cluster) in [("v1", "one"), ("v2", "two")] {
                    try files.createDirectory(
                        atPath: "\(lab.state)/\(folder)", withIntermediateDirectories: true)
                    try write("echo.test \(cluster)\n", "\(folder)/names.txt")
                    try files.createSymbolicLink(
                        atPath: "\(lab.state)/to-\(folder)", withDestinationPath: folder)
                }
                #expect(unsafe rename("\(lab.state)/to-v1", "\(lab.state)/current") == 0)
                var configuration = Configuration.echo(.v4)
                configuration.clusters = [
                    ("one", ["- 10.0.0.10:9700"]), ("two", ["- 10.0.0.10:9701"]),
                ]
                configuration.routes = []
                configuration.policy = ["routes_file: current/names.txt"]
                _ = try await lab.startBalancer(configuration)
                #expect(try await answering(lab) == ["9700": 2])

                #expect(unsafe rename("\(lab.state)/to-v2", "\(lab.state)/current") == 0)
                try await expect(Self.done, 1, then: "9701")
                try write("echo.test one # moved\n", "v2/names.txt")
                try await expect(Self.done, 2, then: "9700")
                try write("echo.test two\nb.test three\n", "v2/names.txt")
                try await expect(Self.refused, 1, then: "9700")
                #expect(lab.logged("goes to cluster") == 1)

                // Of one that was refused the files are followed as well.
                try write("echo.test\n", "other.txt")
                configuration.policy = ["routes_file: other.txt"]
                _ = try lab.write(configuration)
                let output = try await lab.runBalancer("reload", "--instance", lab.name)
                #expect(!output.isSuccess && lab.logged(Self.refused) == 2, "\(output)")
                try write("echo.test two\n", "other.txt")
                try await expect(Self.done, 3, then: "9701")
            }
        }

        /// How many of two connections each port got.
        private func answering(_ lab: Lab) async throws -> [String: Int] {
            let talk = try lab.startTalk(["--count", "2", "--bytes", "100"], at: .listener(.v4))
            try await talk.waitUntilOpen()
            return try await talk.end().ports
        }
    }
}

extension Balancer {
    func reload() { command.send(SIGHUP) }
}

extension Lab {
    /// How many lines of the daemon's log hold that text.
    func logged(_ text: String) -> Int {
        let log = (try? String(contentsOfFile: balancerLog, encoding: .utf8)) ?? ""
        return log.components(separatedBy: text).count - 1
    }
}
