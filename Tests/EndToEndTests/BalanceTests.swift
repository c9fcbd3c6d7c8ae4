// SPDX-License-Identifier: Apache-2.0
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Balance` {
        /// `echo.test` with endpoints on several ports, by their weights, and lines of the cluster.
        private func configuration(
            _ weights: [Int], _ lines: [String] = [], priorities: [Int] = []
        ) -> Configuration {
            var configuration = Configuration.echo(.v4)
            let endpoints = weights.enumerated().map { index, weight in
                let priority = priorities.isEmpty ? 0 : priorities[index]
                return "  - {address: 10.0.0.10:\(Lab.echoPort + index), weight: \(weight), "
                    + "priority: \(priority)}"
            }
            configuration.clusters = [("echo", lines + ["endpoints:"] + endpoints)]
            return configuration
        }

        /// How many of so many connections each endpoint got; they end.
        private func shares(_ count: Int, _ lab: Lab, from role: Lab.Role = .client) async throws
            -> [Int: Int]
        {
            let talk = try lab.startTalk(
                ["--count", "\(count)", "--bytes", "100"], at: .listener(.v4), from: role)
            try await talk.waitUntilOpen()
            return shares(of: try await talk.end(), count)
        }

        private func shares(of report: Talk.Report, _ count: Int) -> [Int: Int] {
            #expect(report.good == count && report.errors.isEmpty, "\(report)")
            var shares: [Int: Int] = [:]
            for (port, connections) in report.ports {
                shares[(Int(port) ?? 0) - Lab.echoPort] = connections
            }
            return shares
        }

        @Test func `is exact by weight, and 0 gets none`() async throws {
            let configuration = configuration([3, 0, 1])
            try await withLab { lab in
                try await lab.startEcho(count: 3)
                _ = try await lab.startBalancer(configuration)
                #expect(try await shares(40, lab) == [0: 30, 2: 10])
                // Relayed.
                #expect(try await shares(8, lab, from: .balancer) == [0: 6, 2: 2])
            }
        }

        @Test func `splits a route exactly`() async throws {
            var configuration = configuration([1])
            configuration.clusters.append(("canary", ["endpoints: [10.0.0.10:9701]"]))
            configuration.routes = []
            configuration.policy = [
                "rules: [{sni: echo.test, split: {echo: 90, canary: 10}}]"
            ]
            try await withLab { [configuration] lab in
                try await lab.startEcho(count: 2)
                _ = try await lab.startBalancer(configuration)
                #expect(try await shares(100, lab) == [0: 90, 1: 10])
            }
        }

        @Test(arguments: ["source_hash", "maglev", "ring"])
        func `keeps a source at its endpoint, over a restart`(policy: String) async throws {
            let configuration = configuration([1, 1, 1, 1], ["balance: \(policy)"])
            try await withLab { lab in
                try await lab.startEcho(count: 4)
                var seen: [[Int: Int]] = []
                for _ in 1...2 {
                    let balancer = try await lab.startBalancer(configuration)
                    seen.append(try await shares(policy == "ring" ? 1 : 12, lab))
                    try await balancer.stop()
                }
                #expect(seen[0].count == 1 && seen[0] == seen[1], "\(seen)")
            }
        }

        @Test func `by least connections counts what an earlier daemon spliced`() async throws {
            let (before, after) = (
                configuration([1, 0]), configuration([1, 1], ["balance: least_connections"])
            )
            try await withLab { lab in
                try await lab.startEcho(count: 2)
                let first = try await lab.startBalancer(before)
                let old = try lab.startTalk(["--count", "6"], at: .listener(.v4))
                try await old.waitUntilOpen()
                try await first.kill()
                _ = try await lab.startBalancer(after)
                let new = try lab.startTalk(["--count", "10"], at: .listener(.v4))
                try await new.waitUntilOpen()
                // The host's own clients are relayed, and count as well.
                let own = try lab.startTalk(["--count", "4"], at: .listener(.v4), from: .balancer)
                try await own.waitUntilOpen()
                // 6 and 0; 8 and 8; 10 and 10.
                let reports = (try await new.end(), try await own.end(), try await old.end())
                #expect(shares(of: reports.0, 10) == [0: 2, 1: 8])
                #expect(shares(of: reports.1, 4) == [0: 2, 1: 2])
                #expect(shares(of: reports.2, 6) == [0: 6])
            }
        }

        @Test func `turns to a backup when all of the first level refuse`() async throws {
            let configuration = configuration([1, 1, 1], priorities: [0, 1, 0])
            try await withLab { lab in
                // Ports 9700 and 9702 are closed.
                try await lab.startEcho(port: Lab.echoPort + 1)
                _ = try await lab.startBalancer(configuration)
                #expect(try await shares(6, lab) == [1: 6])
            }
        }
    }
}
