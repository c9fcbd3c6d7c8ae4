// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// LB-14: endpoints by name, from a name server of the test's own.
    @Suite(.needsBalancer) struct `Endpoints that are named` {
        private func configuration() -> Configuration {
            var configuration = Configuration.echo(.v4)
            configuration.settings = ["resolver: 127.0.0.1:5353"]
            configuration.clusters = [
                ("echo", ["endpoints_dns: [\"db.test:\(Lab.echoPort)\"]"])
            ]
            return configuration
        }

        private func write(_ addresses: [String], _ lab: Lab) throws {
            let list = addresses.map { "\"\($0)\"" }.joined(separator: ", ")
            try "{\"db.test\": {\"ttl\": 1, \"A\": [\(list)]}}"
                .write(toFile: zone(lab), atomically: true, encoding: .utf8)
        }

        private func zone(_ lab: Lab) -> String { "\(lab.state)/zone.json" }

        private func startNames(_ lab: Lab) async throws {
            _ = try await lab.run(.balancer, ["ip", "link", "set", "lo", "up"])
            _ = try lab.start(
                .balancer,
                ["python3", Checkout.nameServer, "127.0.0.1", "5353", zone(lab)])
            let isThere = try await isTrue(within: .seconds(5)) {
                try await !lab.run(.balancer, ["ss", "-Hlun", "sport = :5353"]).text.isEmpty
            }
            #expect(isThere)
        }

        /// Where flows went since: the endpoints of those that are listed now and were not before.
        private func endpoints(_ lab: Lab) async throws -> Set<String> {
            struct Row: Decodable {
                var client, endpoint: String
            }
            func rows() async throws -> [String: String] {
                var rows: [String: String] = [:]
                for line in try await lab.flows() {
                    let row = try JSONDecoder().decode(Row.self, from: Data(line.utf8))
                    rows[row.client] = row.endpoint
                }
                return rows
            }
            let before = try await rows()
            let talk = try lab.startTalk(["--count", "4", "--bytes", "100"], at: .listener(.v4))
            try await talk.waitUntilOpen()
            let after = try await rows().filter { before[$0.key] == nil }
            #expect(after.count == 4, "\(after)")
            #expect(try await talk.end().good == 4)
            return Set(after.values)
        }

        @Test func `follow the name, and stay while nobody answers`() async throws {
            let configuration = configuration()
            try await withLab { lab in
                try await lab.startEcho()
                try write(["10.0.0.10"], lab)
                try await startNames(lab)
                _ = try await lab.startBalancer(configuration)
                let first = "10.0.0.10:\(Lab.echoPort)"
                let second = "10.0.0.11:\(Lab.echoPort)"
                #expect(try await endpoints(lab) == [first])
                let long = try lab.startTalk(["--count", "2"], at: .listener(.v4))
                try await long.waitUntilOpen()

                try write(["10.0.0.11"], lab)
                // TTL and a second.
                try await Task.sleep(for: .milliseconds(2000))
                #expect(try await endpoints(lab) == [second])
                try write(["10.0.0.11", "10.0.0.10"], lab)
                try await Task.sleep(for: .milliseconds(2000))
                #expect(try await endpoints(lab) == [first, second])

                // It does not exist; then nobody answers. A reload changes nothing of that.
                try "{}".write(toFile: zone(lab), atomically: true, encoding: .utf8)
                try await Task.sleep(for: .milliseconds(2500))
                #expect(try await endpoints(lab) == [first, second])
                try FileManager.default.removeItem(atPath: zone(lab))
                let reload = try await Command.run(
                    [Checkout.sluice, "reload", "--instance", lab.name])
                #expect(reload.isSuccess, "\(reload)")
                #expect(try await endpoints(lab) == [first, second])
                #expect(try await long.end().good == 2)
                let log = try String(contentsOfFile: lab.balancerLog, encoding: .utf8)
                #expect(log.contains("a name stands for other endpoints"))
                #expect(log.contains("a name is not found any more"))
            }
        }

        @Test func `without an address are told at the start`() async throws {
            let configuration = configuration()
            try await withLab { lab in
                try "{}".write(toFile: zone(lab), atomically: true, encoding: .utf8)
                try await startNames(lab)
                let file = try lab.write(configuration)
                let output = try await lab.runBalancer("--config", file)
                #expect(output.status == 1)
                #expect(
                    output.errors.contains(
                        "cluster echo has no endpoint: no address was found of db.test"),
                    "\(output)")
                #expect(try await lab.leftovers().isEmpty)
            }
        }
    }
}
