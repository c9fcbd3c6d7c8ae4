// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// What the two wires show.
    @Suite(.needsBalancer) struct `On the wire` {
        /// Captures on one of the balancer's interfaces, until it is stopped.
        private func capture(_ lab: Lab, _ interface: String) async throws -> Command {
            let file = "\(lab.state)/\(interface).pcap"
            // A buffer of 32 MiB: a capture that lost packets would prove nothing.
            let line = [
                "tcpdump", "-i", interface, "-n", "-s", "96", "-B", "32768", "-w", file, "tcp",
            ]
            let command = try lab.start(.balancer, line)
            let isListening = await isTrue(within: .seconds(5)) {
                command.printed.errors.contains("listening on")
            }
            #expect(isListening, "\(command.printed)")
            return command
        }

        /// The two ends of each packet: `from > to`, with ports.
        private func ends(_ lab: Lab, _ interface: String) async throws -> [(String, String)] {
            let output = try await Command.run(
                ["tcpdump", "-nn", "-t", "-r", "\(lab.state)/\(interface).pcap"])
            return output.text.split(separator: "\n").map { line in
                // IP 198.51.100.10.40000 > 192.0.2.1.443: Flags [S], …
                let words = line.split(separator: " ")
                return (String(words[1]), String(words[3].dropLast()))
            }
        }

        @Test(arguments: Family.allCases)
        func `each side sees its own addresses and ports alone`(family: Family) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let captures = [
                    try await capture(lab, "front"), try await capture(lab, "back"),
                ]
                for number in 1...3 {
                    let name = "kafka\(number).server.test"
                    #expect(try await lab.greet(name, at: .listener(family)).isSuccess)
                }
                let download = try lab.startDownload("/16.bin", from: .listener(family))
                #expect(try await download.wait().isSuccess)
                let upload = try lab.startUpload("16.bin", to: .listener(family))
                #expect(try await upload.wait().isSuccess)
                let aborted = lab.curl("kafka1.server.test", .listener(family), "/slow/16.bin")
                _ = try await lab.run(.client, aborted + ["-o", "/dev/null", "--max-time", "1"])
                let rows = try await lab.rows("mode spliced")
                #expect(rows.count == 6)
                try await Task.sleep(for: .milliseconds(300))
                for command in captures {
                    command.send(SIGINT)
                    let end = try await command.wait()
                    #expect(end.errors.contains("\n0 packets dropped by kernel"), "\(end)")
                }
                try await expectPairs(
                    lab, "front", rows.map { ($0.client, $0.listenerAddress) })
                try await expectPairs(lab, "back", rows.map { ($0.balancer, $0.endpoint) })
            }
        }

        /// Every packet belongs to one of the pairs, and every pair was seen both ways.
        private func expectPairs(
            _ lab: Lab, _ interface: String, _ pairs: [(String, String)]
        ) async throws {
            let expected = Set(
                pairs.flatMap { one, other in
                    let (one, other) = (dotted(one), dotted(other))
                    return ["\(one) > \(other)", "\(other) > \(one)"]
                })
            let packets = try await ends(lab, interface).map { "\($0) > \($1)" }
            #expect(packets.count > 200)
            let seen = Set(packets)
            #expect(seen == expected, "\(interface): \(seen.symmetricDifference(expected))")
        }

        /// As tcpdump writes it: `192.0.2.1.443`, `2001:db8:f::1.443`.
        private func dotted(_ address: String) -> String {
            guard let colon = address.lastIndex(of: ":") else { return address }
            let host = address[..<colon].filter { $0 != "[" && $0 != "]" }
            return "\(host).\(address[address.index(after: colon)...])"
        }
    }
}
