// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// Source addresses, each with ports of its own towards the same endpoint.
    @Suite(.needsBalancer) struct `A pool of source addresses` {
        struct Crowd: Decodable {
            var open, failed: Int
            var seconds: Double
        }

        private static let sources = (0..<4).map { "10.0.0.20\($0)" }

        private func configuration(ports: ClosedRange<Int>, flows: Int) -> Configuration {
            var configuration = Configuration(addresses: ["192.0.2.1:9000-9007"])
            configuration.settings = [
                "source:", "  addresses: [\(Self.sources.joined(separator: ", "))]",
                "  ports: \(ports.lowerBound)-\(ports.upperBound)",
                "limits:", "  flows: \(flows)",
            ]
            configuration.route("crowd.test", to: "crowd", "10.0.0.10:9600")
            return configuration
        }

        /// Opens so many connections at once and leaves them open; how many each source has, as the
        /// endpoint sees it. A process may have few files, so there are several on both sides.
        private func gather(
            _ lab: Lab, _ count: Int, processes: Int, limit: Duration
        ) async throws -> (crowds: [Crowd], peers: [String: Int]) {
            let hello = "\(lab.state)/crowd.hello"
            _ = try await Command.run(
                ["bash", "-c", "\(Checkout.makeHello) crowd.test >\(hello)"])
            let crowd = "\(Checkout.tools)/crowd"
            let servers = try (0..<processes + processes / 2).map { _ in
                try lab.start(.endpoint, [crowd, "serve", "9600"])
            }
            try await Task.sleep(for: .milliseconds(500))
            let clients = try (0..<processes).map { _ in
                try lab.start(
                    .client,
                    [crowd, "connect", "192.0.2.1", "9000", "8", hello, "\(count / processes)"])
            }
            let areOpen = await isTrue(within: limit) {
                clients.allSatisfy { $0.printed.text.hasSuffix("\n") || !$0.isRunning }
            }
            #expect(areOpen)
            let crowds = try clients.map {
                try JSONDecoder().decode(Crowd.self, from: Data($0.printed.text.utf8))
            }
            // The sweep publishes what the workers count.
            try await Task.sleep(for: .milliseconds(500))
            let flows =
                try await lab.counter("daemon_established") - lab.counter("daemon_ended")
            #expect(flows == count, "all of them at once")
            var peers: [String: Int] = [:]
            for server in servers {
                server.send(SIGTERM)
                for line in try await server.wait(.seconds(60)).text.split(separator: "\n") {
                    let words = line.replacing("::ffff:", with: "").split(separator: " ")
                    peers[String(words[0]), default: 0] += Int(words[1]) ?? 0
                }
            }
            return (crowds, peers)
        }

        private func addSources(_ lab: Lab) async throws {
            for source in Self.sources {
                let output = try await lab.run(
                    .balancer, ["ip", "address", "add", "\(source)/24", "dev", "back"])
                #expect(output.isSuccess, "\(output)")
            }
        }

        /// Four times as many connections to one endpoint as one address has ports; nearly, since the
        /// ports are divided among workers, and clients only on average.
        @Test func `multiplies the connections to one endpoint`() async throws {
            try await withLab(.twoArm) { lab in
                try await addSources(lab)
                _ = try await lab.startBalancer(
                    configuration(ports: 20000...21999, flows: 65536))
                let (crowds, peers) = try await gather(
                    lab, 7600, processes: 1, limit: .seconds(60))
                #expect(crowds.map(\.open) == [7600] && crowds[0].failed == 0, "\(crowds)")
                #expect(Set(peers.keys) == Set(Self.sources), "\(peers)")
                #expect(peers.values.reduce(0, +) == 7600, "\(peers)")
                #expect(peers.values.allSatisfy { $0 <= 2000 }, "\(peers)")
                #expect(try await lab.counter("daemon_relayed") == 0)
            }
        }

        /// Two of these at once are too much for a usual machine, so it is asked for by name.
        @Test(
            .enabled(
                if: ProcessInfo.processInfo.environment["SLUICE_CROWD"] != nil,
                "takes a minute and 3 GB: SLUICE_CROWD=200000 asks for it"))
        func `holds 200,000 connections to one endpoint`() async throws {
            let text = ProcessInfo.processInfo.environment["SLUICE_CROWD"] ?? ""
            let count = Int(text) ?? 200_000
            try await withLab(.twoArm) { lab in
                try await addSources(lab)
                _ = try await lab.startBalancer(
                    configuration(ports: 10000...65535, flows: 1_048_576))
                let (crowds, peers) = try await gather(
                    lab, count, processes: 16, limit: .seconds(240))
                print("crowds: \(crowds), \(peers)")
                #expect(crowds.reduce(0) { $0 + $1.open } == count, "\(crowds)")
                #expect(peers.count == 4 && peers.values.reduce(0, +) == count, "\(peers)")
                #expect(try await lab.counter("daemon_relayed") == 0)
            }
        }
    }
}
