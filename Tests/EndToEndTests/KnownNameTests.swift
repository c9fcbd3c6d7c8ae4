// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// Names whose clients the datapath takes to their endpoint by itself.
    @Suite(.needsBalancer) struct `Known names` {
        private static let name = "echo.test"
        /// Enough that each worker has seen the name twice.
        private static let lessons = 40

        /// `count` clients, one after the other: each hears from the endpoint.
        private func fire(_ lab: Lab, _ count: Int, _ family: Family = .v4) async throws -> Volley {
            try await lab.fire(
                "stub.test", at: .listener(family), options: ["-c", "\(count)", "-t", "20"])
        }

        /// So many clients, each of which talks with its endpoint; how many did well.
        private func talk(_ lab: Lab) async throws -> Int {
            let talk = try lab.startTalk(
                ["--count", "\(Self.lessons)", "--bytes", "100"], at: .listener(.v4))
            try await talk.waitUntilOpen()
            return try await talk.end().good
        }

        /// Clients that are turned away at once.
        private func refused(_ lab: Lab) async throws -> Volley {
            try await lab.fire(Self.name, at: .listener(.v4), options: ["-c", "10", "-t", "20"])
        }

        /// A counter, once the daemon has published it, and what has lingered is gone.
        private func reaches(_ value: Int, _ counter: String, _ lab: Lab) async throws -> Bool {
            try await isTrue(within: .seconds(10)) { try await lab.counter(counter) == value }
        }

        @Test(arguments: Family.allCases)
        func `go by the datapath, and count as others do`(family: Family) async throws {
            var configuration = Configuration.kafka(family)
            // Closed flows are gone after 2 s.
            configuration.settings = []
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                let volley = try await fire(lab, 200, family)
                #expect(volley.connections == 200 && volley.failed == 0, "\(volley)")
                let recorded = try await lab.counter("hello_recorded")
                #expect((4...Self.lessons).contains(recorded), "of two workers, twice each")
                #expect(try await lab.counter("hello_routed") == 200 - recorded)
                for counter in ["daemon_classified", "daemon_established", "daemon_ended"] {
                    #expect(try await reaches(200, counter, lab), "\(counter)")
                }
                #expect(try await lab.counter("daemon_relayed") == 0)
                #expect(try await lab.flows("").isEmpty)
            }
        }

        /// As long as with keys of ML-KEM; longer ones go by the worker. TLS hashes every byte of it.
        @Test(arguments: [0, 1200, 2400])
        func `go by the datapath in two segments at most`(length: Int) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(.v4))
                let protocols = (0..<length / 100).map { _ in String(repeating: "x", count: 99) }
                let options = ["-alpn", (protocols + ["http/1.1"]).joined(separator: ",")]
                for _ in 0..<12 {
                    let answer = try await lab.greet(
                        "kafka1.server.test", at: .listener(.v4), with: .openssl,
                        options: options)
                    #expect(
                        answer.isSuccess && answer.text.contains("kafka1.server.test"), "\(answer)")
                }
                let routed = try await lab.counter("hello_routed")
                // Each worker learns the name from its second client.
                #expect(length < 2000 ? (8...10).contains(routed) : routed == 0, "\(routed)")
                #expect(try await lab.counter("hello_sent") == 12)
                #expect(try await lab.counter("hello_lost") == 0)
                #expect(try await lab.counter("daemon_relayed") == 0)
            }
        }

        @Test func `repeat their SYN with their client's hello when it is lost`() async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(.v4))
                #expect(try await fire(lab, Self.lessons).failed == 0)
                let before = try await lab.counter("hello_routed")
                _ = try await lab.perform("drop", "endpoint", "in", "syn", "1", "9443")
                let volley = try await fire(lab, 1)
                #expect(volley.failed == 0, "\(volley)")
                // One retransmission time-out, and not the endpoint's patience.
                #expect(volley.firstByte.max < 1_000_000, "\(volley)")
                #expect(try await lab.counter("hello_routed") == before + 1)
                #expect(try await reaches(Self.lessons + 1, "daemon_established", lab))
            }
        }

        @Test func `turn clients away while their endpoint refuses, and not after`() async throws {
            var configuration = Configuration.echo(.v4)
            configuration.policy = ["reject: reset"]
            try await withLab { [configuration] lab in
                let echo = try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                #expect(try await talk(lab) == Self.lessons)
                echo.send(SIGKILL)
                _ = try? await echo.wait()
                let volley = try await refused(lab)
                #expect(volley.failed == 10 && volley.seconds < 10, "\(volley)")
                #expect(try await reaches(10, "daemon_failed_attempts", lab))
                try await lab.startEcho()
                #expect(try await talk(lab) == Self.lessons)
                #expect(try await lab.counter("hello_routed") > 0)
            }
        }

        @Test func `lead elsewhere from a reload on`() async throws {
            @Sendable func configuration(_ port: Int) -> Configuration {
                .echo(.v4, at: "10.0.0.10:\(port)")
            }
            try await withLab { lab in
                try await lab.startEcho(port: 9700)
                try await lab.startEcho(port: 9701)
                let balancer = try await lab.startBalancer(configuration(9700))
                for (round, port) in [9700, 9701, 9700, 9701].enumerated() {
                    if round > 0 {
                        _ = try lab.write(configuration(port))
                        balancer.reload()
                        let isDone = await isTrue(within: .seconds(10)) {
                            lab.logged("configuration reloaded") == round
                        }
                        #expect(isDone)
                    }
                    for _ in 0..<2 {
                        let talk = try lab.startTalk(
                            ["--count", "\(Self.lessons)", "--bytes", "100"],
                            at: .listener(.v4))
                        try await talk.waitUntilOpen()
                        #expect(try await talk.end().ports == ["\(port)": Self.lessons])
                    }
                }
                #expect(try await lab.counter("hello_routed") > 0)
            }
        }

        @Test func `lead nowhere once a command says that their endpoint is down`() async throws {
            var configuration = Configuration.echo(.v4)
            configuration.policy = ["reject: reset"]
            try await withLab { [configuration] lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                @Sendable func set(_ state: String) async throws {
                    let line = ["set", "echo", "10.0.0.10:\(Lab.echoPort)", "--state", state]
                    let answer = try await Command.run(
                        [Checkout.sluice] + line + ["--instance", lab.name])
                    #expect(answer.isSuccess, "\(answer)")
                }
                // All come at once, and are looked at before the first is learned from.
                for _ in 0..<2 { #expect(try await talk(lab) == Self.lessons) }
                #expect(try await lab.counter("hello_routed") > 0)
                try await set("down")
                #expect(try await refused(lab).failed == 10)
                try await set("auto")
                #expect(try await talk(lab) == Self.lessons)
            }
        }
    }
}
