// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// One daemon after the other on the same interfaces (LC-05).
    @Suite(.needsBalancer) struct `Replaced programs` {
        /// What must not move while programs are replaced: packets that nobody translated.
        private static let counters = [
            "pass_no_flow", "pass_stray", "pass_fragment", "pass_adopted", "drop_connecting",
            "drop_ring_full", "drop_no_route", "drop_kernel", "drop_local", "drop_stray",
            "drop_malformed",
        ]

        private func untranslated(_ lab: Lab) async throws -> [String: Int] {
            var values: [String: Int] = [:]
            for name in Self.counters { values[name] = try await lab.counter(name) }
            // Of a packet that no program sees, the stack hears; one that is not sent on is dropped.
            values["segments to the stack"] = try await lab.statistic(.balancer, "TcpInSegs")
            values["drops by interfaces"] = try await lab.interfaceDrops()
            // Retransmissions tell nothing: on a busy machine loss probes repeat what arrived.
            for role in [Lab.Role.client, .endpoint] {
                for name in ["TcpEstabResets", "TcpOutRsts", "TcpExtTCPTimeouts"] {
                    values["\(name) of \(role)"] = try await lab.statistic(role, name)
                }
            }
            return values
        }

        private func expectNothingMoved(_ lab: Lab, since before: [String: Int]) async throws {
            let moved = try await untranslated(lab).filter { $0.value != before[$0.key] }
            #expect(moved.isEmpty, "before: \(moved.keys.map { "\($0) \(before[$0] ?? 0)" })")
        }

        /// By `kill -9` and by a stop that keeps the flows: each successor puts its programs into
        /// the links that are there.
        @Test(arguments: Family.allCases)
        func `miss no packet of transfers that run through it`(family: Family) async throws {
            try await withLab { lab in
                try await lab.perform("file", "64")
                try await lab.perform("pace", "\(6 << 10)")
                var balancer = try await lab.startBalancer(.kafka(family))
                let hash = try await lab.hash(of: "64.bin")
                let target = Target.listener(family)
                let download = try lab.startDownload("/slow/64.bin", from: target)
                let upload = try lab.startUpload(
                    "64.bin", as: "kafka2.server.test", to: target,
                    options: ["--limit-rate", "6M"])
                let haveBegun = try await isTrue(within: .seconds(10)) {
                    try await lab.flows("state established and bytes > 500KiB").count == 2
                }
                #expect(haveBegun)
                let before = try await untranslated(lab)
                let translated = try await lab.counter("translated")
                let programs = try await lab.programs(lab.pins)
                for _ in 1...2 {
                    try await balancer.kill()
                    balancer = try await lab.startBalancer(
                        .kafka(family), options: ["--keep-flows"])
                }
                #expect(try await balancer.stop().status == 0)
                balancer = try await lab.startBalancer(.kafka(family))
                #expect(download.isRunning && upload.isRunning)
                #expect(try await lab.counter("translated") > translated)
                try await expectNothingMoved(lab, since: before)
                let replaced = try await lab.programs(lab.pins)
                #expect(replaced.count == programs.count && replaced.count == 4)
                #expect(Set(replaced).isDisjoint(with: programs), "every link has a new program")
                let (down, up) = (try await download.wait(), try await upload.wait())
                #expect(down.text.hasPrefix(hash), "\(down)")
                #expect(up.text.hasPrefix(hash), "\(up)")
                try await expectNothingMoved(lab, since: before)
                try await balancer.stop()
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        /// A daemon of version `version` left these pins; its maps have other shapes than ours. The
        /// links hold its programs and the programs their maps, whatever the pins are called.
        private func age(_ lab: Lab, to version: Int) async throws -> String {
            let old = lab.pins(of: version)
            try FileManager.default.moveItem(atPath: lab.pins, toPath: old)
            let flows = "\(old)/flows"
            try FileManager.default.removeItem(atPath: flows)
            let line = "bpftool map create \(flows) type hash key 36 value 96 entries 64 name flows"
            let made = try await Command.run(line.split(separator: " ").map(String.init))
            #expect(made.isSuccess, "\(made)")
            return old
        }

        @Test(arguments: [1, 99])
        func `of a version that left no word of its structs are left alone, and the start says so`(
            version: Int
        ) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(.echo(.v4))
                let talk = try lab.startTalk(["--steady", "--pause", "0.02"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                try await balancer.kill()
                let old = try await age(lab, to: version)
                let pins = try await lab.pinned(old)
                let programs = try await lab.programs(old)
                #expect(programs.count == 4)

                let start = try await lab.runBalancer("--config", try lab.write(.echo(.v4)))
                #expect(start.status == 1, "\(start)")
                #expect(start.errors.contains("map flows has no BTF"), "\(start)")
                #expect(start.errors.contains("Its flows go on as they did"), "\(start)")
                #expect(start.errors.contains("sluice unload"), "\(start)")
                #expect(!FileManager.default.fileExists(atPath: lab.pins))
                #expect(try await lab.pinned(old) == pins)
                #expect(try await lab.programs(old) == programs)
                try await talk.expectGood()

                let unload = try await lab.runBalancer("unload", "--instance", lab.name)
                #expect(unload.isSuccess, "\(unload)")
                #expect(!FileManager.default.fileExists(atPath: old))
                #expect(try await lab.leftovers().isEmpty)
                _ = try await lab.startBalancer(.echo(.v4))
            }
        }
    }
}

extension Lab {
    /// Packets that the balancer's interfaces, or the other ends of their wires, dropped.
    fileprivate func interfaceDrops() async throws -> Int {
        var drops = 0
        for (role, name) in [
            (Role.client, "net0"), (.balancer, "front"), (.balancer, "back"), (.endpoint, "net0"),
        ] {
            let shown = try await run(role, ["ip", "-s", "-j", "link", "show", name])
            guard
                let links = try JSONSerialization.jsonObject(with: Data(shown.text.utf8))
                    as? [[String: Any]],
                let counts = links.first?["stats64"] as? [String: [String: Int]],
                let received = counts["rx"]?["dropped"], let sent = counts["tx"]?["dropped"]
            else { throw Command.Failure(description: "ip: \(shown)") }
            drops += received + sent
        }
        return drops
    }

    /// One of the kernel's TCP counters in a namespace.
    fileprivate func statistic(_ role: Role, _ name: String) async throws -> Int {
        let output = try await run(role, ["nstat", "-asz", name])
        let words = output.text.split { $0.isWhitespace }
        guard let place = words.firstIndex(of: Substring(name)), let value = Int(words[place + 1])
        else { throw Command.Failure(description: "nstat: \(output)") }
        return value
    }

    /// The pins of a folder, each with the id of what is pinned.
    func pinned(_ folder: String) async throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        var found: [String] = []
        for name in names {
            let isProgram = name == "map_usage"
            let kind = isProgram ? "prog" : name.hasPrefix("link_") ? "link" : "map"
            let line = ["bpftool", "-j", kind, "show", "pinned", "\(folder)/\(name)"]
            let shown = try await Command.run(line)
            #expect(shown.isSuccess, "\(shown)")
            found.append("\(name) \(shown.text.prefix(60))")
        }
        return found
    }

    /// Ids of the programs in the pinned links of a folder.
    func programs(_ folder: String) async throws -> [Int] {
        var ids: [Int] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder)
        where name.hasPrefix("link_") {
            let line = ["bpftool", "-j", "link", "show", "pinned", "\(folder)/\(name)"]
            let shown = try await Command.run(line)
            guard
                let link = try JSONSerialization.jsonObject(with: Data(shown.text.utf8))
                    as? [String: Any], let id = link["prog_id"] as? Int
            else { throw Command.Failure(description: "bpftool: \(shown)") }
            ids.append(id)
        }
        return ids.sorted()
    }
}
