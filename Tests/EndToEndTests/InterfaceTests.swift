// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// LC-08: interfaces come and go, addresses and routes change, and the daemon follows.
    @Suite(.needsBalancer) struct `Interfaces that change` {
        enum Wire: String, CaseIterable, Sendable { case front, back }

        private func ip(_ lab: Lab, _ arguments: String...) async throws {
            let output = try await lab.run(.balancer, ["ip"] + arguments)
            #expect(output.isSuccess, "ip \(arguments): \(output)")
        }

        private func index(_ lab: Lab, _ interface: String) async throws -> String {
            let output = try await lab.run(.balancer, ["ip", "-o", "link", "show", interface])
            return output.text.components(separatedBy: ":")[0]
        }

        /// flows, handshake and the egress guard, once each.
        private func programs(_ lab: Lab, _ interface: String) async throws -> String {
            try await lab.run(.balancer, ["\(Checkout.tools)/tcx", "count", interface]).text
        }

        private func lines(_ lab: Lab, _ words: String) throws -> [String] {
            try String(contentsOfFile: lab.balancerLog, encoding: .utf8)
                .split(separator: "\n").map(String.init).filter { $0.contains(words) }
        }

        private func linkPins(_ lab: Lab) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: lab.pins)
                .filter { $0.hasPrefix("link_") }.sorted()
        }

        /// Connects and says goodbye; the row that the flow had.
        private func splicedRow(_ lab: Lab, at target: Target) async throws -> FlowRow? {
            let before = Set(try await lab.rows().map(\.client))
            let talk = try lab.startTalk(at: target)
            try await talk.waitUntilOpen()
            let row = try await lab.rows().first { !before.contains($0.client) }
            try await talk.expectGood()
            return row
        }

        private func expectNoTraces(_ lab: Lab, _ balancer: Balancer) async throws {
            try await balancer.stop()
            #expect(try await lab.leftovers().isEmpty)
        }

        @Test(arguments: Family.allCases, Wire.allCases)
        func `are attached again when they are made anew, and open flows go on`(
            family: Family, wire: Wire
        ) async throws {
            var configuration = Configuration.echo(family)
            configuration.route(
                "kafka1.server.test", to: "kafka1", family.join(family.endpoint, 9093))
            try await withLab(.twoArm) { [configuration] lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(configuration)
                let target = Target.listener(family)
                let talk = try lab.startTalk(["--steady"], at: target)
                try await talk.waitUntilOpen()
                let hash = try await lab.hash(of: "16.bin")
                let download = try lab.startDownload("/slow/16.bin", from: target)
                let hasBegun = try await isTrue(within: .seconds(5)) {
                    try await lab.flows("sni kafka1* and bytes > 1MiB").count == 1
                }
                #expect(hasBegun)
                let old = try await index(lab, wire.rawValue)

                try await lab.perform("unplug", wire.rawValue)
                let isLost = try await isTrue(within: .seconds(1)) {
                    try lines(lab, "interface lost").count == 1
                }
                #expect(isLost)
                #expect(try linkPins(lab).count == 2, "pins of the old index are gone")
                try await lab.perform("plug", wire.rawValue)
                let isBack = try await isTrue(within: .seconds(1)) {
                    try await programs(lab, wire.rawValue) == "3\n"
                }
                #expect(isBack)

                let new = try await index(lab, wire.rawValue)
                #expect(new != old)
                let facts = "index=\(new) interface=\(wire.rawValue) old_index=\(old)"
                let said = try lines(lab, "interface back")
                #expect(said.count == 1 && said[0].contains(facts), "\(said)")
                #expect(try linkPins(lab).contains("link_ingress_\(new)"))
                let row = try await splicedRow(lab, at: target)
                #expect(row?.mode == "spliced")
                #expect(download.isRunning)
                #expect(try await download.wait().text.hasPrefix(hash))
                try await talk.expectGood()
                #expect(try await programs(lab, wire.rawValue) == "3\n")
                try await expectNoTraces(lab, balancer)
            }
        }

        @Test func `serve new clients as soon as they are there again`() async throws {
            try await withLab(.twoArm) { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(.echo(.v4))
                for wire in [Wire.front, .back, .front, .back] {
                    try await lab.perform("unplug", wire.rawValue)
                    try await lab.perform("plug", wire.rawValue)
                    // The first ARP included, and python's start.
                    let began = ContinuousClock.now
                    let row = try await splicedRow(lab, at: .listener(.v4))
                    #expect(row?.mode == "spliced", "\(wire)")
                    #expect(ContinuousClock.now - began < .seconds(3), "\(wire)")
                }
                #expect(try lines(lab, "interface back").count == 4)
            }
        }

        @Test func `are attached again by clsact, if that was how`() async throws {
            var configuration = Configuration.echo(.v4)
            configuration.settings.append("attach: clsact")
            try await withLab(.twoArm) { [configuration] lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(at: .listener(.v4))
                try await talk.waitUntilOpen()
                for wire in Wire.allCases {
                    try await lab.perform("unplug", wire.rawValue)
                    try await lab.perform("plug", wire.rawValue)
                }
                let isBack = try await isTrue(within: .seconds(1)) {
                    try lines(lab, "interface back").count == 2
                }
                #expect(isBack)
                for wire in Wire.allCases {
                    let filters = try await lab.run(
                        .balancer, ["tc", "filter", "show", "dev", wire.rawValue, "ingress"])
                    let ours = filters.text.components(separatedBy: "handle 0x51").count - 1
                    #expect(ours == 2, "\(filters)")
                }
                #expect(try await splicedRow(lab, at: .listener(.v4))?.mode == "spliced")
                try await talk.expectGood()
                try await expectNoTraces(lab, balancer)
            }
        }

        @Test func `keep their flows while they are down`() async throws {
            try await withLab(.twoArm) { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(.echo(.v4))
                let talk = try lab.startTalk(["--steady"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                for wire in Wire.allCases {
                    try await ip(lab, "link", "set", wire.rawValue, "down")
                    try await Task.sleep(for: .milliseconds(300))
                    try await ip(lab, "link", "set", wire.rawValue, "up")
                }
                #expect(try lines(lab, "interface").filter { !$0.contains("attached") }.isEmpty)
                #expect(try await splicedRow(lab, at: .listener(.v4))?.mode == "spliced")
                try await talk.expectGood()
            }
        }

        @Test func `may be renamed, and are found by their old name when made anew`() async throws {
            try await withLab(.twoArm) { lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(.echo(.v4))
                let talk = try lab.startTalk(["--steady"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                let old = try await index(lab, "front")
                try await ip(lab, "link", "set", "front", "name", "outside")
                let isRenamed = try await isTrue(within: .seconds(1)) {
                    try lines(lab, "interface renamed").count == 1
                }
                #expect(isRenamed)
                #expect(try await programs(lab, "outside") == "3\n")
                #expect(try await splicedRow(lab, at: .listener(.v4))?.mode == "spliced")
                #expect(try lines(lab, "interface lost").isEmpty)

                try await ip(lab, "link", "del", "outside")
                try await lab.perform("plug", "front")
                let isBack = try await isTrue(within: .seconds(1)) {
                    try lines(lab, "interface back").contains { $0.contains("old_index=\(old)") }
                }
                #expect(isBack)
                #expect(try await splicedRow(lab, at: .listener(.v4))?.mode == "spliced")
                try await talk.expectGood()
                try await expectNoTraces(lab, balancer)
            }
        }

        /// However late the daemon looks: deleted is deleted, whatever has the index by then.
        @Test func `are told from others that have their index now`() async throws {
            try await withLab(.twoArm) { lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(.echo(.v4))
                let old = try await index(lab, "front")
                balancer.command.send(SIGSTOP)
                try await lab.perform("unplug", "front")
                try await ip(lab, "link", "add", "stranger", "index", old, "type", "veth")
                balancer.command.send(SIGCONT)
                let isLost = try await isTrue(within: .seconds(1)) {
                    try lines(lab, "interface lost").count == 1
                }
                #expect(isLost)
                try await Task.sleep(for: .milliseconds(200))
                #expect(try await programs(lab, "stranger") == "0\n")
                #expect(try lines(lab, "interface renamed").isEmpty)

                balancer.command.send(SIGSTOP)
                try await ip(lab, "link", "del", "stranger")
                try await lab.perform("plug", "front", old)
                balancer.command.send(SIGCONT)
                #expect(try await splicedRow(lab, at: .listener(.v4))?.mode == "spliced")
                #expect(try await programs(lab, "front") == "3\n")

                balancer.command.send(SIGSTOP)
                try await lab.perform("unplug", "front")
                try await lab.perform("plug", "front", old)
                balancer.command.send(SIGCONT)
                let isBack = try await isTrue(within: .seconds(1)) {
                    try lines(lab, "interface back").count == 2
                }
                #expect(isBack)
                #expect(try await programs(lab, "front") == "3\n")
                #expect(try await splicedRow(lab, at: .listener(.v4))?.mode == "spliced")
                try await expectNoTraces(lab, balancer)
            }
        }

        /// The stack accepts who comes before the programs are there again; it goes on serving them.
        @Test(arguments: Family.allCases)
        func `keep the clients that came while nothing was attached`(family: Family) async throws {
            try await withLab(.twoArm) { lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(.echo(family))
                balancer.command.send(SIGSTOP)
                try await lab.perform("unplug", "front")
                try await lab.perform("plug", "front")
                let talk = try lab.startTalk(["--count", "5"], at: .listener(family))
                let areAccepted = try await isTrue(within: .seconds(5)) {
                    let sockets = try await lab.run(
                        .balancer, ["ss", "-Htn", "state", "established", "sport = :443"])
                    return sockets.text.split(separator: "\n").count == 5
                }
                #expect(areAccepted)
                balancer.command.send(SIGCONT)
                let isBack = try await isTrue(within: .seconds(5)) {
                    try lines(lab, "interface back").count == 1
                }
                #expect(isBack)
                try await talk.waitUntilOpen()
                #expect(try await lab.rows("mode relayed").count == 5)
                try await talk.expectGood(5)
                try await expectNoTraces(lab, balancer)
            }
        }

        @Test func `may swap their names`() async throws {
            try await withLab(.twoArm) { lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(.echo(.v4))
                let talk = try lab.startTalk(["--steady"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                for (old, new) in [("front", "third"), ("back", "front"), ("third", "back")] {
                    try await ip(lab, "link", "set", old, "name", new)
                }
                let areRenamed = try await isTrue(within: .seconds(1)) {
                    try lines(lab, "interface renamed").count >= 2
                }
                #expect(areRenamed)
                #expect(try lines(lab, "interface lost").isEmpty)
                for wire in Wire.allCases {
                    #expect(try await programs(lab, wire.rawValue) == "3\n")
                }
                #expect(try await splicedRow(lab, at: .listener(.v4))?.mode == "spliced")
                try await talk.expectGood()
                try await expectNoTraces(lab, balancer)
            }
        }

        @Test func `that went while there was no daemon leave no pins to the next one`()
            async throws
        {
            try await withLab(.twoArm) { lab in
                try await lab.startEcho()
                let first = try await lab.startBalancer(.echo(.v4))
                let talk = try lab.startTalk(at: .listener(.v4))
                try await talk.waitUntilOpen()
                try await first.kill()
                try await lab.perform("unplug", "back")
                try await lab.perform("plug", "back")
                let second = try await lab.startBalancer(.echo(.v4))
                let indexes = [try await index(lab, "front"), try await index(lab, "back")]
                let expected = ["egress", "ingress"].flatMap { hook in
                    indexes.map { "link_\(hook)_\($0)" }
                }
                #expect(try linkPins(lab) == expected.sorted())
                try await talk.expectGood()
                try await expectNoTraces(lab, second)
            }
        }
    }

    /// Addresses and routes are those of now, not those of the start.
    @Suite(.needsBalancer) struct `Addresses and routes that change` {
        private func ip(_ lab: Lab, _ arguments: [String]) async throws {
            let output = try await lab.run(.balancer, ["ip"] + arguments)
            #expect(output.isSuccess, "ip \(arguments): \(output)")
        }

        private func log(_ lab: Lab) throws -> String {
            try String(contentsOfFile: lab.balancerLog, encoding: .utf8)
        }

        private func hears(_ lab: Lab, _ words: String...) async throws -> Bool {
            try await isTrue(within: .seconds(1)) {
                let lines = try log(lab).split(separator: "\n")
                return lines.contains { line in words.allSatisfy { line.contains($0) } }
            }
        }

        /// Opens a connection; its row.
        private func open(_ lab: Lab, at target: Target) async throws -> (Talk, FlowRow) {
            let before = Set(try await lab.rows().map(\.client))
            let talk = try lab.startTalk(at: target)
            try await talk.waitUntilOpen()
            let row = try await lab.rows().first { !before.contains($0.client) }
            return (talk, try #require(row))
        }

        @Test(arguments: Family.allCases)
        func `give new connections a new source, and leave open ones theirs`(
            family: Family
        ) async throws {
            try await withLab(.twoArm) { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(.echo(family))
                let target = Target.listener(family)
                let (first, old) = try await open(lab, at: target)
                let (source, length) = family == .v4 ? ("10.0.0.3", 24) : ("fd00:e::3", 64)
                let host = family == .v4 ? 32 : 128
                let nodad = family == .v4 ? [] : ["nodad"]
                try await ip(
                    lab, ["addr", "add", "\(source)/\(length)", "dev", "back"] + nodad)
                try await ip(
                    lab,
                    ["route", "add", "\(family.endpoint)/\(host)", "dev", "back", "src", source])
                #expect(try await hears(lab, "ways to endpoints changed", "from \(source)"))
                let (second, new) = try await open(lab, at: target)
                #expect(new.mode == "spliced")
                #expect(new.balancer.contains(source), "\(new.balancer)")
                #expect(!old.balancer.contains(source), "\(old.balancer)")
                try await first.expectGood()
                try await second.expectGood()
            }
        }

        @Test func `lead to endpoints that had no way at the start`() async throws {
            try await withLab(.twoArm) { lab in
                try await lab.startEcho()
                _ = try await lab.run(
                    .endpoint, ["ip", "addr", "add", "10.7.0.1/32", "dev", "net0"])
                _ = try await lab.startBalancer(.echo(.v4, at: "10.7.0.1:\(Lab.echoPort)"))
                try await ip(
                    lab, ["route", "add", "10.7.0.1/32", "via", "10.0.0.10", "dev", "back"])
                #expect(try await hears(lab, "ways to endpoints changed", "from 10.0.0.1"))
                let (talk, row) = try await open(lab, at: .listener(.v4))
                #expect(row.mode == "spliced")
                try await talk.expectGood()
            }
        }

        /// Nothing better is known: the client's repetitions find the way when it is there again.
        @Test func `that are missing for a moment cost a new client that moment`() async throws {
            try await withLab(.twoArm) { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(.echo(.v4))
                let endpoint = "10.0.0.10/32"
                try await ip(lab, ["route", "add", "unreachable", endpoint])
                try await Task.sleep(for: .milliseconds(200))
                let talk = try lab.startTalk(at: .listener(.v4))
                let hasBegun = try await isTrue(within: .seconds(2)) {
                    try await lab.flows("state connecting").count == 1
                }
                #expect(hasBegun)
                try await ip(lab, ["route", "del", "unreachable", endpoint])
                try await talk.waitUntilOpen()
                #expect(try await lab.rows().map(\.mode) == ["spliced"])
                #expect(!(try log(lab)).contains("ways to endpoints changed"))
                try await talk.expectGood()
            }
        }

        @Test(arguments: Family.allCases)
        func `are what a wildcard listens to`(family: Family) async throws {
            var configuration = Configuration.echo(family)
            configuration.addresses = [family == .v4 ? "0.0.0.0:443" : "[::]:443"]
            try await withLab(.twoArm) { [configuration] lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                let address = family == .v4 ? "192.0.2.77" : "2001:db8:f::77"
                let entry = ["\(address)/\(family == .v4 ? 32 : 128)", "dev", "front"]
                let nodad = family == .v4 ? [] : ["nodad"]
                try await ip(lab, ["addr", "add"] + entry + nodad)
                let added = "added=\(family.join(address, 443))"
                #expect(try await hears(lab, "listening addresses changed", added))
                let target = Target(address: address, port: 443)
                let (talk, row) = try await open(lab, at: target)
                #expect(row.mode == "spliced")
                try await talk.expectGood()
                try await ip(lab, ["addr", "del"] + entry)
                let removed = "removed=\(family.join(address, 443))"
                #expect(try await hears(lab, "listening addresses changed", removed))
            }
        }

        /// Packets that the kernel puts together so have headers inside, which nobody translates.
        @Test func `are warned of when they merge packets beyond translation`() async throws {
            try await withLab(.twoArm) { lab in
                try await lab.startEcho()
                _ = try await lab.run(
                    .balancer, ["ethtool", "-K", "front", "rx-gro-list", "on"])
                _ = try await lab.startBalancer(Configuration.echo(.v4))
                #expect(
                    try await hears(
                        lab, "an offload breaks spliced flows", "interface=front",
                        "offload=rx-gro-list"))
                #expect(try !log(lab).contains("interface=back offload"))
                #expect(try !log(lab).contains("offload=rx-lro"))
            }
        }

        /// Of a wildcard beside a specific address the stack has a socket for each other one.
        @Test func `reach the sockets for clients on the host`() async throws {
            var configuration = Configuration.echo(.v4)
            configuration.addresses = ["0.0.0.0:443"]
            configuration.otherListeners = [
                "own:", "  address: \"192.0.2.1:443\"", "  default: echo",
            ]
            try await withLab(.twoArm) { [configuration] lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                let entry = ["192.0.2.77/32", "dev", "front"]
                try await ip(lab, ["addr", "add"] + entry)
                #expect(try await hears(lab, "listening addresses changed", "192.0.2.77:443"))
                let talk = try lab.startTalk(
                    at: Target(address: "192.0.2.77", port: 443), from: .balancer)
                try await talk.waitUntilOpen()
                let rows = try await lab.rows()
                #expect(rows.map(\.relayReason) == ["local-client"])
                try await talk.expectGood()
            }
        }

        @Test func `of an MTU are in what new clients are promised`() async throws {
            try await withLab(.twoArm) { lab in
                _ = try await lab.startBalancer(.kafka(.v4))
                try await ip(lab, ["link", "set", "back", "mtu", "1400"])
                try await Task.sleep(for: .milliseconds(500))
                let hash = try await lab.hash(of: "16.bin")
                let upload = try lab.startUpload(
                    "16.bin", as: "kafka1.server.test", to: .listener(.v4))
                #expect(try await upload.wait().text.hasPrefix(hash))
                #expect(try await lab.counter("drop_too_big") == 0)
            }
        }
    }
}
