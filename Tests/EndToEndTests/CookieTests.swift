// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// A table of handshakes far too small, so that the cookie must stand in for most of them.
    @Suite(.needsBalancer) struct `Forgotten handshakes` {
        private var configuration: Configuration {
            var configuration = Configuration.kafka(.v4)
            configuration.settings = ["limits:", "  handshakes: 16", "  closed_linger: 60s"]
            configuration.clusters.removeAll { $0.name == "stub" }
            configuration.clusters.append(("stub", ["endpoints: [\"10.0.0.10:9443\"]"]))
            return configuration
        }

        /// Each from a port of its own, or a row would serve two of them.
        private let honest = ["-c", "1000", "-p", "100", "-b", "20000"]

        /// All connections were spliced, and with the options that a client of this host offers.
        private func expectSpliced(_ lab: Lab, _ count: Int) async throws {
            let rows = try await lab.rows("sni stub.test")
            #expect(rows.count == count)
            #expect(rows.allSatisfy { $0.mode == "spliced" })
            #expect(Set(rows.map(\.sack)) == [true], "SACK is kept")
            #expect(Set(rows.map(\.timestamps)) == [true], "timestamps are kept")
            #expect(Set(rows.map(\.clientScale)).count == 1, "the scale is kept")
            #expect(rows.allSatisfy { ($0.clientScale ?? 0) > 0 })
        }

        @Test func `are made good by the cookie`() async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(configuration)
                let volley = try await lab.fire(
                    "stub.test", at: .listener(.v4), options: honest)
                #expect(volley.connections == 1000 && volley.failed == 0, "\(volley)")
                #expect(try await lab.counter("cookie_accepted") > 0)
                try await expectSpliced(lab, 1000)
            }
        }

        @Test func `do no harm under a flood of SYNs`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(configuration)
                _ = try await lab.fire(
                    "kafka1.server.test", at: .listener(.v4), options: ["-c", "100", "-f"])
                let before = try balancer.residentKiB
                // Neighbours that do not answer would hold the packets back.
                let line = ["ip", "route", "add", "203.0.113.0/24", "via", "198.51.100.10"]
                #expect(try await lab.run(.balancer, line).isSuccess)
                let flood = try lab.start(
                    .client,
                    ["\(Checkout.tools)/syn_flood", Family.v4.vip, "443", "200000", "50000"])
                let volley = try await lab.fire(
                    "stub.test", at: .listener(.v4), options: honest)
                #expect(flood.isRunning, "the flood lasted as long as the honest ones took")
                #expect(volley.connections == 1000 && volley.failed == 0, "\(volley)")
                try await expectSpliced(lab, 1000)
                let sent = try await flood.wait()
                #expect(sent.text == "200000\n", "\(sent)")
                #expect(try await lab.counter("syn_answered") > 150_000)
                #expect(try await lab.counter("cookie_accepted") > 100)
                #expect(try balancer.residentKiB - before < 4096)
            }
        }
    }
}
