// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// One way to make `sluice` relay.
struct RelayCause: Sendable, CustomTestStringConvertible {
    var reason: String
    var family = Family.v4
    /// The family of the address that clients connect to.
    var clientFamily: Family?
    var role = Lab.Role.client
    var manner = "whole"
    var change: @Sendable (inout Configuration) -> Void = { _ in }
    var prepare: @Sendable (Lab) async throws -> Void = { _ in }

    var testDescription: String { "\(reason) \(family)" }

    /// In both families where it may matter.
    static let all =
        Family.allCases.flatMap { family in
            [
                RelayCause(reason: "trickled-hello", family: family, manner: "crumbs"),
                RelayCause(
                    reason: "local-endpoint", family: family,
                    change: {
                        let own = family == .v4 ? "10.0.0.1" : "fd00:e::1"
                        $0.clusters = [
                            ("echo", ["endpoints:", "  - \"\(family.join(own, Lab.echoPort))\""])
                        ]
                    }, prepare: { try await $0.startEcho(.balancer) }),
                RelayCause(
                    reason: "options-refused", family: family,
                    prepare: { lab in
                        let line = ["sysctl", "-q", "-w", "net.ipv4.tcp_timestamps=0"]
                        _ = try await lab.run(.endpoint, line)
                    }),
            ]
        } + [
            RelayCause(reason: "local-client", role: .balancer),
            RelayCause(reason: "splicing-off") { $0.settings.append("splicing: off") },
            RelayCause(reason: "urgent-data", manner: "urgent"),
            RelayCause(reason: "no-route", family: .v6) { $0.interfaces = ["front"] },
            RelayCause(reason: "default-route", manner: "part", change: lateDefault),
            RelayCause(reason: "address-family", family: .v4, clientFamily: .v6) {
                $0.addresses = [Family.v6.join(Family.v6.vip, 443)]
            },
            RelayCause(reason: "address-family", family: .v6, clientFamily: .v4) {
                $0.addresses = [Family.v4.join(Family.v4.vip, 443)]
            },
        ]

    @Sendable static func lateDefault(_ configuration: inout Configuration) {
        configuration.policy = [
            "default: echo", "hello:", "  timeout: 500ms", "  on_timeout: default",
        ]
    }
}

extension EndToEnd {
    /// What cannot be spliced exactly works all the same, and flowdump says why.
    @Suite(.needsBalancer) struct `Reasons to relay` {
        /// So many clients may be adopted at a time: their tuples are in a map.
        private func fillAdopted(_ lab: Lab, closed: Bool) async throws {
            let file = "\(lab.state)/adopted"
            let value = closed ? "01 00 00 00 00 00 00 00" : "00 00 00 00 00 00 00 00"
            let lines = (0..<65536).map { number in
                let bytes = [number >> 8, number & 0xff].map { String($0, radix: 16) }
                let key = bytes + Array(repeating: "00", count: 38)
                return "map update pinned \(lab.pins)/adopted key hex "
                    + key.joined(separator: " ") + " value hex " + value
            }
            try lines.joined(separator: "\n").write(
                toFile: file, atomically: true, encoding: .utf8)
            let output = try await Command.run(["bpftool", "batch", "file", file])
            #expect(output.isSuccess, "\(output)")
        }

        @Test(arguments: [true, false])
        func `find no room when nobody leaves, and reset the client`(areClosed: Bool) async throws {
            var configuration = Configuration.echo(.v4)
            configuration.settings.append("splicing: off")
            try await withLab { [configuration] lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                try await fillAdopted(lab, closed: areClosed)
                let report = try await lab.startTalk(
                    ["--bytes", "100", "--limit", "5"], at: .listener(.v4)
                ).end()
                #expect(report.good == (areClosed ? 1 : 0), "\(report)")
                #expect(
                    report.errors.keys.allSatisfy { $0.hasPrefix("ConnectionResetError") },
                    "\(report)")
                #expect(lab.logged("cannot adopt a client: it is reset") == (areClosed ? 0 : 1))
            }
        }

        @Test(arguments: RelayCause.all)
        func `carry every byte both ways, past a half-close`(cause: RelayCause) async throws {
            var configuration = Configuration.echo(cause.family)
            cause.change(&configuration)
            try await withLab(.twoArm) { [configuration] lab in
                try await lab.startEcho()
                try await cause.prepare(lab)
                _ = try await lab.startBalancer(configuration)
                let target = Target.listener(cause.clientFamily ?? cause.family)
                let talk = try lab.startTalk(
                    ["--manner", cause.manner], at: target, from: cause.role)
                try await talk.waitUntilOpen()
                let rows = try await lab.rows()
                #expect(rows.map(\.mode) == ["relayed"])
                #expect(rows.map(\.relayReason) == [cause.reason])
                #expect(try await lab.flows("reason \(cause.reason)").count == 1)
                try await talk.expectGood()
                let isGone = try await isTrue(within: .seconds(2)) {
                    try await lab.flows("mode relayed").isEmpty
                }
                #expect(isGone, "a relayed connection that ended is no longer listed")
            }
        }

        @Test(arguments: Family.allCases)
        func `carry every byte without BPF`(family: Family) async throws {
            let wrapper = [
                "setpriv", "--inh-caps=-all",
                "--bounding-set=-bpf,-sys_admin,-perfmon,-net_admin",
            ]
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(.echo(family), wrapper: wrapper)
                for manner in ["whole", "crumbs", "urgent"] {
                    let talk = try lab.startTalk(["--manner", manner], at: .listener(family))
                    try await talk.waitUntilOpen()
                    try await talk.expectGood()
                }
            }
        }

        @Test func `give a client that says nothing to the default cluster`() async throws {
            var configuration = Configuration.echo(.v4)
            RelayCause.lateDefault(&configuration)
            try await withLab { [configuration] lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(["--manner", "nothing"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                let isRelayed = try await isTrue(within: .seconds(8)) {
                    try await lab.flows("reason default-route").count == 1
                }
                #expect(isRelayed)
                try await talk.expectGood()
            }
        }

        @Test func `leave as many spliced as there are source ports`() async throws {
            var configuration = Configuration.echo(.v4)
            configuration.settings += ["workers: 2", "source:", "  ports: 20000-20001"]
            try await withLab { [configuration] lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(["--count", "24"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                let spliced = try await lab.flows("mode spliced").count
                #expect(spliced == 2)
                #expect(try await lab.flows("reason no-port").count == 24 - spliced)
                try await talk.expectGood(24)
            }
        }

        /// 2,000 connections that stay, and room for a few hundred. CPUs keep 128 free entries each
        /// to themselves, which at most halves the table.
        @Test func `leave live flows alone when the table is full`() async throws {
            var configuration = Configuration.echo(.v4)
            configuration.settings = ["limits:", "  flows: 1024", "  watermark: 90%"]
            try await withLab { [configuration] lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                let talk = try lab.startTalk(
                    ["--count", "2000", "--bytes", "2000"], at: .listener(.v4))
                try await talk.waitUntilOpen()
                let line = ["bash", "-c", "cat /sys/devices/system/cpu/possible"]
                let last = try await Command.run(line).text.split { !$0.isNumber }.last
                let cpus = try #require(last.flatMap { Int($0) }) + 1
                let room = min(1024 * 90 / 100, 1024 - min(128 * cpus, 512)) / 2
                #expect(try await lab.flows("mode spliced").count == room)
                #expect(try await lab.flows("reason table-full").count == 2000 - room)
                try await talk.expectGood(2000)
            }
        }
    }
}
