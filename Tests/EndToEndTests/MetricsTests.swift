// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// OB-13: what `flowdump metrics` tells beside what is known from elsewhere.
    @Suite(.needsBalancer, .serialized) struct `Metrics of maps and programs` {
        private static let switchFile = "/proc/sys/kernel/bpf_stats_enabled"

        /// Each sample by its name and its label, as in `sluice_map_used flows`.
        private func metrics(_ lab: Lab, _ options: String...) async throws -> [String: Double] {
            let output = try await Command.run(
                [Checkout.flowdump, "metrics", "--instance", lab.name] + options)
            guard output.isSuccess else {
                throw Command.Failure(description: "flowdump metrics failed: \(output)")
            }
            var samples: [String: Double] = [:]
            for line in output.text.split(separator: "\n") where !line.hasPrefix("#") {
                let parts = line.split { "{}=\", ".contains($0) }
                if parts.count == 4 {
                    samples[String(parts[0])] = Double(parts[3])
                    continue
                }
                // NAME sluice INSTANCE LABEL VALUE NUMBER, perhaps with more labels
                guard parts.count >= 6, parts.count.isMultiple(of: 2), parts[2] == lab.name,
                    let number = parts.last.flatMap({ Double($0) })
                else { throw Command.Failure(description: "what is this: \(line)") }
                let values = stride(from: 4, to: parts.count, by: 2).map { parts[$0] }
                let name = "\(parts[0]) \(values.joined(separator: " "))"
                #expect(samples[name] == nil, "twice: \(line)")
                samples[name] = number
            }
            return samples
        }

        private func counters(_ lab: Lab) async throws -> [String: Double] {
            struct Report: Decodable { var counters: [String: Double] }
            let output = try await Command.run(
                [Checkout.flowdump, "--counters", "--instance", lab.name, "-o", "json"])
            return try JSONDecoder().decode(Report.self, from: Data(output.text.utf8)).counters
        }

        @Test func `say of an instance that is not there that it is down`() async throws {
            let output = try await Command.run(
                [Checkout.flowdump, "metrics", "--instance", "nowhere"])
            #expect(output.status == 1 && output.errors.contains("no instance nowhere"))
            let samples = output.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(samples == ["sluice_daemon_up{sluice=\"nowhere\"} 0"])
        }

        private func isUsage(_ name: String) -> Bool { name.hasPrefix("sluice_map_used ") }

        /// Counters of the metrics under the names of `flowdump --counters`.
        private func counters(in samples: [String: Double]) -> [String: Double] {
            var counters: [String: Double] = [:]
            for (name, value) in samples {
                let words = name.split(separator: " ")
                if words[0] == "sluice_datapath_packets_total" {
                    counters[String(words[1])] = value
                } else if words[0] == "sluice_daemon_events_total" {
                    counters["daemon_\(words[1])"] = value
                }
            }
            return counters
        }

        @Test func `agree with the counters and the flows, also when the daemon is dead`()
            async throws
        {
            try await withLab { lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(.echo(.v4))
                let before = try await metrics(lab)
                #expect(before["sluice_daemon_up"] == 1)
                #expect(before["sluice_map_used flows"] == 0)
                #expect(before["sluice_map_used listeners"] == 1)
                #expect(before["sluice_map_max flows"] == 262_144)
                // 90 % of the table, and an even number, since a connection takes two.
                #expect(before["sluice_map_watermark flows"] == 235_928)
                let talk = try lab.startTalk(["--count", "25"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                let isEqual = try await isTrue(within: .seconds(10)) {
                    // Whether something goes on meanwhile is seen by the third reading.
                    let before = try await counters(lab)
                    let samples = try await metrics(lab)
                    let after = try await counters(lab)
                    // The daemon publishes what it counts from time to time.
                    return before == after && counters(in: samples) == before
                        && before["daemon_established"] == 25
                        && samples["sluice_map_used flows"] == 50
                }
                #expect(isEqual)
                let open = try await metrics(lab)
                #expect(open["sluice_daemon_events_total established"] == 25)
                #expect(open["sluice_map_used server_names"] == 1)
                let there = "sluice_connections tls echo 10.0.0.10:\(Lab.echoPort) spliced"
                #expect(open[there] == 25, "\(open)")
                #expect(try await metrics(lab, "--no-walk")[there] == nil)
                #expect(open.count < 100)
                // The kernel knows; without the program that asks it, the maps are read through.
                let used = try await metrics(lab, "--no-walk").filter { isUsage($0.key) }
                #expect(used["sluice_map_used flows"] == 50 && used.count == 7)
                try FileManager.default.removeItem(atPath: "\(lab.pins)/map_usage")
                let unknown = try await metrics(lab, "--no-walk")
                #expect(!unknown.keys.contains(where: isUsage))
                #expect(unknown["sluice_map_max flows"] == 262_144)
                #expect(try await metrics(lab).filter { isUsage($0.key) } == used)
                let local = try lab.startTalk(at: .listener(.v4), from: .balancer)
                try await local.waitUntilOpen()
                let isShown = try await isTrue(within: .seconds(3)) {
                    try await metrics(lab)["sluice_relayed_connections local-client"] == 1
                }
                #expect(isShown)
                try await local.expectGood()

                try await balancer.kill()
                let orphaned = try await metrics(lab)
                #expect(orphaned["sluice_daemon_up"] == 0)
                #expect(orphaned["sluice_map_used flows"] == 50)
                #expect(orphaned["sluice_map_watermark flows"] == 235_928)
                let counted = try await counters(lab)
                #expect(counters(in: orphaned) == counted)
                try await talk.expectGood(25)
                let translated = "sluice_datapath_packets_total translated"
                let after = try await metrics(lab)
                #expect(try #require(after[translated]) > #require(orphaned[translated]))
            }
        }

        @Test func `tell run times while the kernel takes them, and else nothing`() async throws {
            let before = try String(contentsOfFile: Self.switchFile, encoding: .ascii)
            defer {
                try? before.write(toFile: Self.switchFile, atomically: false, encoding: .ascii)
            }
            try await withLab { lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(.echo(.v4))
                try "0".write(toFile: Self.switchFile, atomically: false, encoding: .ascii)
                #expect(try await !metrics(lab).keys.contains { $0.contains("_program_") })
                try "1".write(toFile: Self.switchFile, atomically: false, encoding: .ascii)
                let first = try await metrics(lab)
                let talk = try lab.startTalk(["--count", "5"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                try await talk.expectGood(5)
                let second = try await metrics(lab)
                for program in ["flows_ethernet", "handshake_ethernet"] {
                    let runs = "sluice_program_runs_total \(program)"
                    let seconds = "sluice_program_run_seconds_total \(program)"
                    let (before, after) = (try #require(first[runs]), try #require(second[runs]))
                    #expect(after > before, "\(program)")
                    let (began, ended) = (first[seconds], second[seconds])
                    let time = try #require(ended) - #require(began)
                    // From 5 ns to 100 µs a run, however slow the machine is at present.
                    #expect((5e-9...1e-4).contains(time / (after - before)), "\(program): \(time)")
                }
                try await balancer.kill()
                let orphaned = try await metrics(lab)
                #expect(orphaned["sluice_program_runs_total flows_ethernet"] != nil)
                // It goes with the daemon; the flows' program stays.
                #expect(orphaned["sluice_program_runs_total handshake_ethernet"] == nil)
            }
        }
    }
}
