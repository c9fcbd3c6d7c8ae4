// SPDX-License-Identifier: Apache-2.0
import CrashPoints
import Foundation
import Testing

extension EndToEnd {
    /// A start beside pins of another version (LC-05). `lab age` makes a dead daemon's instance one:
    /// with other structs, moved by programs that know nothing of how the daemon does it.
    @Suite(.needsBalancer) struct `An instance of another version` {
        /// Packets that nobody translated make the stacks speak.
        private func complaints(_ lab: Lab) async throws -> [String: Int] {
            var values: [String: Int] = [:]
            values["segments to the stack"] = try await lab.statistic("TcpInSegs", of: .balancer)
            for role in [Lab.Role.client, .endpoint] {
                for name in ["TcpEstabResets", "TcpOutRsts", "TcpExtTCPTimeouts"] {
                    values["\(name) of \(role)"] = try await lab.statistic(name, of: role)
                }
            }
            return values
        }

        private static let cases: [(family: Family, attach: String, version: Int)] = [
            (.v4, "auto", 1), (.v6, "auto", 99), (.v4, "clsact", 99), (.v6, "clsact", 1),
        ]

        @Test(arguments: cases)
        func `is taken over while transfers run through it`(
            family: Family, attach: String, version: Int
        ) async throws {
            var configuration = Configuration.kafka(family)
            if attach != "auto" { configuration.settings.append("attach: \(attach)") }
            try await withLab { [configuration] lab in
                try await lab.perform("file", "64")
                try await lab.perform("pace", "\(5 << 10)")
                let balancer = try await lab.startBalancer(configuration)
                let hash = try await lab.hash(of: "64.bin")
                let target = Target.listener(family)
                let download = try lab.startDownload("/slow/64.bin", from: target)
                let upload = try lab.startUpload(
                    "64.bin", as: "kafka2.server.test", to: target,
                    options: ["--limit-rate", "5M"])
                let haveBegun = try await isTrue(within: .seconds(10)) {
                    try await lab.flows("state established and bytes > 500KiB").count == 2
                }
                #expect(haveBegun)
                try await balancer.kill()
                let before = try await lab.rows("state established")
                let old = try await lab.age(to: version)
                #expect(!FileManager.default.fileExists(atPath: lab.pins))
                let quiet = try await complaints(lab)
                try await lab.expectTraffic("with the other version's programs")

                let successor = try await lab.startBalancer(configuration)
                #expect(download.isRunning && upload.isRunning)
                #expect(!FileManager.default.fileExists(atPath: old))
                let after = try await lab.rows("state established")
                #expect(Set(after.map(\.names)) == Set(before.map(\.names)))
                #expect(Set(after.map(\.createdNs)) == Set(before.map(\.createdNs)))
                let moved = before.map { $0.upstream.bytes + $0.downstream.bytes }.reduce(0, +)
                #expect(after.map { $0.upstream.bytes + $0.downstream.bytes }.reduce(0, +) > moved)
                try await lab.expectTraffic("with our programs")

                for name in ["kafka1.server.test", "kafka2.server.test"] {
                    let answer = try await lab.greet(name, at: target)
                    #expect(answer.isSuccess, "\(answer)")
                }
                let ways = try await lab.rows().map { "\($0.balancer) \($0.endpoint)" }
                #expect(ways.count == 4 && Set(ways).count == 4, "\(ways)")
                let (down, up) = (try await download.wait(), try await upload.wait())
                #expect(down.text.hasPrefix(hash), "\(down)")
                #expect(up.text.hasPrefix(hash), "\(up)")
                let loud = try await complaints(lab).filter { $0.value != quiet[$0.key] }
                #expect(loud.isEmpty, "before: \(quiet)")
                let areClosed = try await isTrue(within: .seconds(5)) {
                    try await lab.rows("state closed").count == 4
                }
                let rows = try await lab.rows()
                #expect(areClosed, "\(rows)")
                try await successor.stop()
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        @Test func `with the rows of closing flows is taken over as they are`() async throws {
            var configuration = Configuration.echo(.v4)
            configuration.settings = ["limits:", "  closed_linger: 1s"]
            try await withLab { [configuration] lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(configuration)
                let talks = try lab.startTalk(["--count", "600"], at: .listener(.v4))
                try await talks.waitUntilOpen()
                try await balancer.kill()
                _ = try await lab.age(to: 1)
                // They end while the start is under way.
                async let report = talks.end()
                let successor = try await lab.startBalancer(configuration)
                let ends = try await report
                #expect(ends.good == 600 && ends.errors.isEmpty, "\(ends)")
                let isEmpty = try await isTrue(within: .seconds(60)) {
                    try await lab.flowEntries() == 0
                }
                #expect(isEmpty)
                try await successor.stop()
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        /// Everything of the old version is as it was, and works.
        private func expectRefusal(
            _ lab: Lab, at old: String, _ reasons: String...
        ) async throws {
            let pins = try await lab.pinned(old)
            let programs = try await lab.programs(old)
            #expect(programs.count == 4)
            let start = try await lab.runBalancer("--config", try lab.write(.echo(.v4)))
            #expect(start.status == 1, "\(start)")
            for reason in reasons { #expect(start.errors.contains(reason), "\(start)") }
            #expect(!FileManager.default.fileExists(atPath: lab.pins))
            #expect(try await lab.pinned(old) == pins)
            #expect(try await lab.programs(old) == programs)
        }

        @Test(arguments: [1, 99])
        func `that lacks what a flow needs is left alone, and the start names it`(
            version: Int
        ) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(.echo(.v4))
                let talk = try lab.startTalk(["--steady", "--pause", "0.02"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                try await balancer.kill()
                let old = try await lab.age(to: version, "lacking")
                try await expectRefusal(
                    lab, at: old, "cannot take over instance \(lab.name) from \(old)",
                    "the value of map flows has no member last_ack", "sluice unload")
                try await talk.expectGood()
                let unload = try await lab.runBalancer("unload", "--instance", lab.name)
                #expect(unload.isSuccess, "\(unload)")
                #expect(!FileManager.default.fileExists(atPath: old))
                #expect(try await lab.leftovers().isEmpty)
                _ = try await lab.startBalancer(.echo(.v4))
            }
        }

        @Test func `that a daemon serves is left alone, and the start says what to do`()
            async throws
        {
            try await withLab { lab in
                try await lab.startEcho()
                let balancer = try await lab.startBalancer(.echo(.v4))
                let talk = try lab.startTalk(["--steady", "--pause", "0.02"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                // Its lock goes with the directory.
                let old = lab.pins(of: 1)
                try FileManager.default.moveItem(atPath: lab.pins, toPath: old)
                try await expectRefusal(
                    lab, at: old, "in use by a sluice of another version, at \(old)",
                    "--keep-flows")
                let unload = try await lab.runBalancer("unload", "--instance", lab.name)
                #expect(unload.status == 1, "\(unload)")
                try FileManager.default.moveItem(atPath: old, toPath: lab.pins)
                try await talk.expectGood()
                #expect(try await balancer.stop().status == 0)
            }
        }
    }

    /// A start that dies in the middle of taking over another version's flows.
    @Suite(.needsBalancer, .needsCrashPoints) struct `Crashed upgrades` {
        /// In the order in which a start comes by.
        static let points: [(point: CrashPoint, count: Int)] = [
            (.mapsPinned, 1), (.tablesCopied, 1), (.rowsCopied, 1), (.linkPinned, 1),
            (.linkUpdated, 1), (.linkMoved, 1), (.linkPinned, 2), (.linkUpdated, 1),
            (.linkMoved, 1), (.rowMerged, 1), (.rowsMerged, 1), (.tableUnpinned, 1),
            (.pinRemoved, 1), (.flowsAdopted, 1),
        ]
        /// From which a start must get to the end at once, too.
        private static let decisive: [(point: CrashPoint, count: Int)] = [
            (.rowsCopied, 1), (.linkPinned, 2), (.linkUpdated, 1), (.linkMoved, 3), (.rowMerged, 2),
            (.pinRemoved, 5),
        ]

        private func begin(_ lab: Lab, attach: String) async throws -> CrashScene {
            var configuration = CrashScene.configuration(.v4)
            if attach != "auto" { configuration.settings.append("attach: \(attach)") }
            try await lab.startEcho()
            // Always a packet under way.
            let (scene, balancer) = try await CrashScene.begin(
                lab, .v4, configuration, pause: 0.001)
            try await balancer.kill()
            return scene
        }

        private func crash(
            _ scene: CrashScene, at point: CrashPoint, _ count: Int
        ) async throws {
            try scene.arm(point, count)
            let doomed = try scene.startDoomedBalancer()
            try await scene.expectDeath(of: doomed, at: point, steadyGoesOn: false)
            try await scene.lab.expectTraffic("\(point) \(count)")
        }

        @Test(arguments: ["auto", "clsact"])
        func `one after the other harm no flow, and the last start serves`(
            attach: String
        ) async throws {
            try await withLab { lab in
                let scene = try await begin(lab, attach: attach)
                let old = try await lab.age(to: 1)
                // With clsact an interface is one step, and there are two.
                let points = attach == "auto" ? Self.points : Self.points.filter { $0.count == 1 }
                for (point, count) in points { try await crash(scene, at: point, count) }
                let last = try await scene.startBalancer()
                #expect(!FileManager.default.fileExists(atPath: old))
                try await scene.expectProgress("in the end")
                let client = try scene.startClient()
                try await client.waitUntilOpen()
                try await client.expectGood()
                try await scene.expectOnlySteady("after all starts")
                try await scene.expectNothingLeft(last)
            }
        }

        @Test func `are taken up by the next start, wherever they were`() async throws {
            try await withLab { lab in
                let scene = try await begin(lab, attach: "auto")
                for (point, count) in Self.decisive {
                    let old = try await lab.age(to: 99)
                    try await crash(scene, at: point, count)
                    let successor = try await scene.startBalancer()
                    #expect(!FileManager.default.fileExists(atPath: old), "\(point)")
                    try await scene.expectProgress("\(point)")
                    let client = try scene.startClient()
                    try await client.waitUntilOpen()
                    try await client.expectGood()
                    try await scene.expectOnlySteady("\(point)")
                    try await successor.kill()
                }
                let last = try await scene.startBalancer()
                try await scene.expectNothingLeft(last)
            }
        }

        @Test func `that got nowhere are undone by unload`() async throws {
            try await withLab { lab in
                let scene = try await begin(lab, attach: "auto")
                _ = try await lab.age(to: 1)
                try await crash(scene, at: .linkMoved, 2)
                let unload = try await lab.runBalancer("unload", "--instance", lab.name)
                #expect(unload.isSuccess, "\(unload)")
                #expect(try await lab.leftovers().isEmpty)
                #expect(!FileManager.default.fileExists(atPath: lab.pins(of: 1)))
            }
        }
    }
}

extension Lab {
    /// The pins of that version.
    func pins(of version: Int) -> String {
        pins.replacing(/-v[0-9]+$/, with: "-v\(version)")
    }

    /// Makes the instance, which no daemon serves, one of another version; its pins.
    func age(to version: Int, _ shape: String = "moved") async throws -> String {
        try await perform("age", "\(version)", shape)
        return pins(of: version)
    }

    /// Segments reach both ends: what is not translated goes nowhere.
    func expectTraffic(_ when: String) async throws {
        let roles = [Role.client, .endpoint]
        var before: [Int] = []
        for role in roles { before.append(try await statistic("TcpInSegs", of: role)) }
        for (role, count) in zip(roles, before) {
            let moves = try await isTrue(within: .seconds(5)) {
                try await statistic("TcpInSegs", of: role) >= count + 10
            }
            #expect(moves, "\(when): nothing comes to the \(role)")
        }
    }
}
