// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// flowdump beside what the test knows that it put in.
    @Suite(.needsBalancer) struct `Listing of flows` {
        private static let sent = 3_000_000

        /// Three uploads from ports of our choice, then closed.
        private func upload(_ lab: Lab, _ family: Family) async throws {
            for number in 1...3 {
                let line = lab.curl("kafka\(number).server.test", .listener(family), "/upload")
                let output = try await lab.run(
                    .client,
                    line + [
                        "--data-binary", "@\(lab.state)/part", "--local-port", "\(42000 + number)",
                    ])
                #expect(output.isSuccess, "\(output)")
            }
        }

        private func prepare(_ lab: Lab) async throws {
            let script = "head -c \(Self.sent) \(lab.state)/files/16.bin >\(lab.state)/part"
            _ = try await Command.run(["bash", "-c", script])
        }

        @Test(arguments: Family.allCases)
        func `tells what the clients did`(family: Family) async throws {
            try await withLab { lab in
                try await prepare(lab)
                _ = try await lab.startBalancer(.kafka(family))
                let began = ContinuousClock.now
                try await upload(lab, family)
                let rows = try await lab.rows().sorted { $0.client < $1.client }
                let elapsed = ContinuousClock.now - began
                #expect(rows.count == 3)
                for (row, number) in zip(rows, 1...3) {
                    let client = family.join(family.client, 42000 + number)
                    #expect(row.client == client)
                    #expect(row.serverName == "kafka\(number).server.test")
                    #expect(row.cluster == "kafka\(number)" && row.listener == "tls")
                    #expect(row.endpoint == family.join(family.endpoint, 9092 + number))
                    #expect(row.listenerAddress == family.join(family.vip, 443))
                    let back = family == .v4 ? "10.0.0.1:" : "[fd00:e::1]:"
                    #expect(row.balancer.hasPrefix(back))
                    #expect(row.mode == "spliced" && row.relayReason == nil)
                    #expect(["closing", "closed", "reset"].contains(row.state), "\(row)")
                    // TLS adds records and handshakes; nothing was lost, so little is repeated.
                    #expect((Self.sent...Self.sent * 11 / 10).contains(row.upstream.bytes))
                    #expect((500...20_000).contains(row.downstream.bytes))
                    #expect(row.upstream.packets > 20 && row.downstream.packets > 5)
                    #expect(row.sack && row.timestamps)
                    #expect(Duration.nanoseconds(row.ageNs) < elapsed)
                    #expect(row.idleNs <= row.ageNs)
                }
            }
        }

        /// Counted once a segment, whatever the size of the packets that GRO makes of them.
        @Test func `counts payload exactly`() async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(.echo(.v4))
                let talk = try lab.startTalk(["--bytes", "700000"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                let length = try #require(
                    await Command.run(
                        ["bash", "-c", "\(Checkout.makeHello) echo.test | wc -c"]
                    ).text.split { $0.isWhitespace }.first.flatMap { Int($0) })
                let row = try #require(try await lab.rows("state established").first)
                #expect(row.upstream.bytes == 700_000 + length, "\(row) of \(length)")
                #expect(row.downstream.bytes == 700_000 + length, "\(row) of \(length)")
                try await talk.expectGood()
            }
        }

        @Test func `finds flows by each kind of filter`() async throws {
            try await withLab { lab in
                try await prepare(lab)
                _ = try await lab.startBalancer(.kafka(.v4))
                let target = Target.listener(.v4)
                let slow = try lab.startDownload("/slow/16.bin", from: target)
                let hasBegun = try await isTrue(within: .seconds(5)) {
                    try await lab.flows("state established and bytes > 1MiB").count == 1
                }
                #expect(hasBegun)
                try await upload(lab, .v4)
                for (filter, count) in [
                    ("", 4), ("sni kafka*.server.test", 4), ("sni KAFKA1.server.test", 2),
                    ("sni kafka?.server.test and not sni *2*", 3), ("sni none.test", 0),
                    ("cluster kafka3", 1), ("port 42002", 1), ("client port 42002", 1),
                    ("endpoint port 42002", 0), ("endpoint port 9094", 1), ("port 443", 4),
                    ("client 198.51.100.0/24", 4), ("client 198.51.100.0/29", 0),
                    ("endpoint 10.0.0.10:9095", 1), ("listener tls", 4), ("listener 192.0.2.1", 4),
                    ("state established", 1), ("not state established", 3), ("mode spliced", 4),
                    ("mode relayed", 0), ("bytes > 100MiB", 0), ("bytes > 1MiB", 4),
                    ("age < 1h", 4), ("( port 42001 or port 42003 ) and sni kafka1*", 1),
                ] {
                    #expect(try await lab.flows(filter).count == count, "\(filter)")
                }
                #expect(slow.isRunning)
            }
        }

        @Test func `is the same after kill -9`() async throws {
            try await withLab { lab in
                try await prepare(lab)
                let balancer = try await lab.startBalancer(.kafka(.v4))
                try await upload(lab, .v4)
                let download = try lab.startDownload("/slow/16.bin", from: .listener(.v4))
                let hasBegun = try await isTrue(within: .seconds(5)) {
                    try await lab.flows("state established and bytes > 100KiB").count == 1
                }
                #expect(hasBegun)
                let before = try await lab.rows().map(\.names).sorted()
                try await balancer.kill()
                let after = try await lab.rows().map(\.names).sorted()
                #expect(before.count == 4 && before == after)
                _ = try await lab.startBalancer(.kafka(.v4))
                #expect(try await lab.rows().map(\.names).sorted() == before)
                #expect(try await download.wait().isSuccess)
            }
        }

        @Test func `keeps to its schema and to 100 columns`() async throws {
            try await withLab { lab in
                try await prepare(lab)
                var configuration = Configuration.kafka(.v6)
                configuration.addresses.append("192.0.2.1:443")
                _ = try await lab.startBalancer(configuration)
                try await upload(lab, .v6)
                let relayed = try lab.startDownload("/slow/16.bin", from: .listener(.v4))
                let isListed = try await isTrue(within: .seconds(5)) {
                    try await lab.flows("reason address-family").count == 1
                }
                #expect(isListed && relayed.isRunning)
                let dump = [Checkout.flowdump, "--instance", lab.name]
                let table = try await Command.run(dump)
                let lines = table.text.split(separator: "\n")
                #expect(lines.count == 5 && lines.allSatisfy { $0.count <= 100 }, "\(table)")
                let csv = try await Command.run(dump + ["-o", "csv"]).text
                let widths = csv.split { $0.isNewline }
                    .map { $0.split(separator: ",", omittingEmptySubsequences: false).count }
                #expect(widths.count == 5 && Set(widths).count == 1, "\(csv)")
                let json = try await Command.run(dump + ["-o", "json"]).text
                let check = """
                    import json, sys
                    try:
                        import jsonschema
                    except ImportError:
                        sys.exit(3)
                    flows = json.load(sys.stdin)
                    jsonschema.validate(flows, json.load(open(sys.argv[1])))
                    print(flows["count"])
                    """
                let answer = try await Command.run(
                    ["python3", "-c", check, Checkout.schema], input: json)
                if answer.status == 3 {
                    try Test.cancel("python3 has no jsonschema")
                }
                #expect(answer.text == "4\n", "\(answer)")
            }
        }
    }
}
