// SPDX-License-Identifier: Apache-2.0
import CrashPoints
import Foundation
import Testing

/// A balancer that dies where it is told to, beside a flow that must not notice.
struct CrashScene {
    let lab: Lab
    let family: Family
    let configuration: Configuration
    /// Talks all the time, from before the first crash until after the last.
    let steady: Talk

    /// Few enough that one which got lost is missed.
    static let ports = 20000...20007

    static func configuration(_ family: Family) -> Configuration {
        var configuration = Configuration.echo(family)
        configuration.settings = [
            "workers: 1", "source:", "  ports: \(ports.lowerBound)-\(ports.upperBound)", "limits:",
            "  closed_linger: 200ms",
        ]
        return configuration
    }

    /// Starts a first balancer and the steady flow; the endpoint's echo runs already.
    static func begin(
        _ lab: Lab, _ family: Family, _ configuration: Configuration? = nil, pause: Double = 0.05
    ) async throws -> (CrashScene, Balancer) {
        let configuration = configuration ?? Self.configuration(family)
        let balancer = try await lab.startBalancer(configuration, wrapper: wrapper(lab))
        let talk = try lab.startTalk(
            ["--steady", "--pause", "\(pause)", "--bytes", "1000", "--retry", "10"],
            at: .listener(family))
        try await talk.waitUntilOpen()
        let scene = CrashScene(
            lab: lab, family: family, configuration: configuration, steady: talk)
        return (scene, balancer)
    }

    private static func switchFile(_ lab: Lab) -> String { "\(lab.state)/crash-at" }

    private static func wrapper(_ lab: Lab) -> [String] {
        ["env", "SLUICE_CRASH_AT=\(switchFile(lab))"]
    }

    /// From now on the balancer dies when it reaches `point` for the `count`-th time.
    func arm(_ point: CrashPoint, _ count: Int = 1) throws {
        try "\(point.rawValue):\(count)".write(
            toFile: Self.switchFile(lab), atomically: true, encoding: .utf8)
    }

    func disarm() throws { try FileManager.default.removeItem(atPath: Self.switchFile(lab)) }

    /// Waits for the balancer's death by signal, and sees that the steady flow goes on.
    func expectDeath(
        of balancer: Command, at point: CrashPoint, steadyGoesOn: Bool = true
    ) async throws {
        let end = try await balancer.wait(.seconds(15))
        #expect(end.status == 128 + SIGKILL, "\(point): \(end)")
        let log = try String(contentsOfFile: lab.balancerLog, encoding: .utf8)
        #expect(log.contains("crash point \(point.rawValue) reached"), "\(log)")
        try disarm()
        if steadyGoesOn { try await expectProgress("\(point)") }
    }

    /// The steady flow moves bytes both ways.
    func expectProgress(_ when: String) async throws {
        let before = try await lab.rows("state established").map(\.both)
        let moves = try await isTrue(within: .seconds(5)) {
            let now = try await lab.rows("state established").map(\.both)
            return zip(before.sorted(), now.sorted()).contains { $0 < $1 }
        }
        // Without it the cases that follow would only wait in vain.
        try #require(moves, "\(when)")
    }

    func startBalancer() async throws -> Balancer {
        try await lab.startBalancer(configuration, wrapper: Self.wrapper(lab))
    }

    /// Starts a balancer that is not expected to get ready.
    func startDoomedBalancer() throws -> Command {
        let line = Self.wrapper(lab) + [Checkout.sluice, "--config", try lab.write(configuration)]
        return try lab.start(
            .balancer, ["bash", "-c", "exec \"$@\" >>\(lab.balancerLog) 2>&1", "bash"] + line)
    }

    /// A client that begins anew when it was turned away, as applications do.
    func startClient(_ options: [String] = []) throws -> Talk {
        try lab.startTalk(
            ["--bytes", "2000", "--retry", "15"] + options, at: .listener(family))
    }

    /// Waits until nothing but the steady flow is in the table.
    func expectOnlySteady(_ when: String) async throws {
        let isAlone = try await isTrue(within: .seconds(60)) {
            let rows = try await lab.rows()
            return rows.count == 1 && rows.first?.state == "established"
        }
        try #require(isAlone, "\(when)")
        let entries = try await lab.flowTable()
        #expect(entries.count == 2, "\(when): \(entries)")
    }

    /// Ends everything, and looks for what the crashes left.
    func expectNothingLeft(_ balancer: Balancer) async throws {
        try await expectAllPorts()
        let report = try await steady.end()
        #expect(report.good == 1 && report.errors.isEmpty, "\(report)")
        let isEmpty = try await isTrue(within: .seconds(60)) { try await lab.flowEntries() == 0 }
        #expect(isEmpty)
        for role in [Lab.Role.client, .balancer, .endpoint] { try await expectNoSockets(role) }
        #expect(try await balancer.stop().status == 0)
        let sockets = try await lab.run(.balancer, ["ss", "-Hlnt"])
        #expect(sockets.text.isEmpty, "\(sockets)")
        let raw = try await lab.run(.balancer, ["ss", "-Hanw"])
        #expect(raw.text.isEmpty, "\(raw)")
        #expect(try await lab.leftovers().isEmpty)
    }

    /// One more than there are ports: with a port lost somewhere, two would be relayed.
    private func expectAllPorts() async throws {
        let rest = try startClient(["--count", "\(Self.ports.count)", "--parallel", "1"])
        try await rest.waitUntilOpen()
        let rows = try await lab.rows()
        #expect(rows.filter { $0.mode == "spliced" }.count == Self.ports.count, "\(rows)")
        #expect(rows.compactMap(\.relayReason) == ["no-port"])
        try await rest.expectGood(Self.ports.count)
        try await expectOnlySteady("after all ports were used")
    }

    /// Of connections: what listens may stay, and so may TIME_WAIT.
    private func expectNoSockets(_ role: Lab.Role) async throws {
        // SYN-RECV too, which `connected` has: an endpoint that still waits for our ACK.
        let line = ["ss", "-Htan", "state", "connected", "exclude", "time-wait"]
        var last = Command.Output(status: 0, text: "", errors: "")
        let areGone = try await isTrue(within: .seconds(20)) {
            last = try await lab.run(role, line)
            // Others than ours: nginx and its upload sink talk among themselves.
            return !last.text.contains(":\(Lab.echoPort)") && !last.text.contains(":443 ")
        }
        #expect(areGone, "\(role): \(last)")
    }
}

extension Lab {
    /// Entries of the flow table, two a connection: `flowdump` shows whole connections only.
    func flowEntries() async throws -> Int {
        try await flowTable().count
    }

    /// The flow table as bpftool prints it.
    func flowTable() async throws -> [RawFlow] {
        let dump = try await Command.run(
            ["bpftool", "-j", "map", "dump", "pinned", "\(pins)/flows"])
        guard
            let rows = try JSONSerialization.jsonObject(with: Data(dump.text.utf8))
                as? [[String: Any]]
        else { throw Command.Failure(description: "bpftool: \(dump)") }
        return rows.compactMap { row in
            // No value: the row went while bpftool read it.
            guard let key = row["key"] as? [String], let value = row["value"] as? [String]
            else { return nil }
            return RawFlow(
                key: key.map { String($0.dropFirst(2)) },
                value: value.map { String($0.dropFirst(2)) })
        }
    }

    func remove(_ flow: RawFlow) async throws {
        let output = try await Command.run(
            ["bpftool", "map", "delete", "pinned", "\(pins)/flows", "key", "hex"] + flow.key)
        #expect(output.isSuccess, "\(output)")
    }

    func write(_ flow: RawFlow) async throws {
        let output = try await Command.run(
            ["bpftool", "map", "update", "pinned", "\(pins)/flows", "key", "hex"] + flow.key
                + ["value", "hex"] + flow.value)
        #expect(output.isSuccess, "\(output)")
    }
}

/// One row of the flow table in hexadecimal bytes.
struct RawFlow: Sendable {
    var key: [String]
    var value: [String]

    /// Behind both ends on the way out, four deltas, flags and the window shift (datapath_abi.h).
    private static let statePlace = 36 + 4 * 4 + 4 + 1

    /// Destination port 443: of the client's packets.
    var isOfClient: Bool { key[34] == "01" && key[35] == "bb" }

    var state: String {
        get { value[Self.statePlace] }
        set { value[Self.statePlace] = newValue }
    }
}

extension Talk.Report {
    /// None came through, and each was told so: no wrong byte, and nobody waited in vain.
    ///
    /// EOFError, too: an echo brings as many bytes up as down, and then a segment in mid-flow looks
    /// like a handshake whose cookie is right. Its sender is turned away as not speaking TLS.
    var hasClearEnd: Bool {
        let ends = ["ConnectionResetError", "BrokenPipeError", "EOFError"]
        return good == 0 && !errors.isEmpty
            && errors.keys.allSatisfy { error in ends.contains { error.hasPrefix($0) } }
    }
}

extension FlowRow {
    fileprivate var both: Int { upstream.bytes + downstream.bytes }
}

extension Trait where Self == ConditionTrait {
    /// Needs a `sluice` with crash points: a release build, which SLUICE_PRODUCTS may name, has none.
    static var needsCrashPoints: Self {
        .enabled("\(Checkout.sluice) is a release build: it has no crash points") {
            guard ProcessInfo.processInfo.environment["SLUICE_PRODUCTS"] != nil else { return true }
            let program = try Data(contentsOf: URL(filePath: Checkout.sluice))
            return program.range(of: Data("SLUICE_CRASH_AT".utf8)) != nil
        }
    }
}
