// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import Testing

/// The families that every test of traffic runs in.
enum Family: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case v4, v6

    var vip: String { self == .v4 ? "192.0.2.1" : "2001:db8:f::1" }
    var client: String { self == .v4 ? "198.51.100.10" : "2001:db8:c::10" }
    /// The address on which all endpoints live, told apart by their ports.
    var endpoint: String { self == .v4 ? "10.0.0.10" : "fd00:e::10" }
    /// Another address of the same endpoints.
    var secondEndpoint: String { self == .v4 ? "10.0.0.11" : "fd00:e::11" }
    /// An address on the endpoints' network where nobody lives.
    var nobody: String { self == .v4 ? "10.0.0.99" : "fd00:e::99" }

    /// An address and a port as configurations and clients write them.
    func join(_ address: String, _ port: Int) -> String {
        self == .v4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }

    var testDescription: String { rawValue }
}

/// Client, balancer and endpoint, made by Tests/Lab/lab and removed by `withLab`.
final class Lab: Sendable {
    enum Layout: String, CaseIterable, Sendable {
        case twoArm = "two-arm"
        case oneArm = "one-arm"
        /// Both wires run through the emulator of bad networks.
        case wan
        /// The client's wire has no Ethernet.
        case tun
        /// A router between client and balancer, and one between balancer and endpoint.
        case routed

        /// Two-arm, or what `SLUICE_LAYOUT` says: most tests mean any layout.
        static let usual =
            ProcessInfo.processInfo.environment["SLUICE_LAYOUT"].flatMap(Layout.init) ?? .twoArm

        /// What the balancer attaches to.
        var interfaces: [String] { self == .oneArm ? ["front"] : ["front", "back"] }
    }

    enum Role: String, Sendable {
        case client, balancer, endpoint
        /// The routers of the layout `routed`, on the client's and on the endpoint's side.
        case west, east
    }

    /// The lab of the running test, for the evidence of a failure.
    @TaskLocal static var current: Lab?

    let name: String
    let layout: Layout
    private let commands = Mutex<[Command]>([])

    fileprivate init(_ layout: Layout) {
        // Other sessions may test on this machine: the process id keeps their names apart.
        name = "e2e-\(getpid())-\(UInt32.random(in: 0..<1_000_000))"
        self.layout = layout
    }

    var state: String { "/run/sluice-lab/\(name)" }
    var authority: String { "\(state)/certificates/ca.pem" }
    var pins: String { "/sys/fs/bpf/sluice/\(name)-v7" }

    /// Runs a verb of the lab tool: `lab VERB NAME ARGUMENTS`.
    @discardableResult
    func perform(_ verb: String, _ arguments: String...) async throws -> String {
        let output = try await Command.run([Checkout.lab, verb, name] + arguments)
        guard output.isSuccess else {
            throw Command.Failure(description: "lab \(verb) failed: \(output)")
        }
        return output.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func start(_ role: Role, _ arguments: [String], input: String = "") throws -> Command {
        let command = try Command(inside(role, arguments), input: input)
        commands.withLock { $0.append(command) }
        return command
    }

    func run(
        _ role: Role, _ arguments: [String], input: String = "", limit: Duration = .seconds(60)
    ) async throws -> Command.Output {
        try await start(role, arguments, input: input).wait(limit)
    }

    /// A number that the kernel keeps of a namespace, by its name in nstat(8).
    func statistic(_ name: String, of role: Role) async throws -> Int {
        let output = try await run(role, ["nstat", "-asz", name])
        let words = output.text.split { $0.isWhitespace }
        guard let place = words.firstIndex(of: Substring(name)), let value = Int(words[place + 1])
        else { throw Command.Failure(description: "nstat has no \(name): \(output)") }
        return value
    }

    /// The command line that runs `arguments` in a namespace; the process is the command itself.
    func inside(_ role: Role, _ arguments: [String]) -> [String] {
        ["nsenter", "--net=/run/netns/\(name)-\(role.rawValue)", "--"] + arguments
    }

    fileprivate func end() async throws {
        let all = commands.withLock { $0 }
        for command in all {
            command.send(SIGCONT)
            command.send(SIGKILL)
        }
        // A daemon that is not quite dead yet still holds its instance: unload would refuse.
        _ = await isTrue(within: .seconds(5)) { !all.contains { $0.isRunning } }
        _ = try? await Command.run([Checkout.sluice, "unload", "--instance", name])
        try? FileManager.default.removeItem(atPath: pins)
        // Of a daemon that was killed.
        try? FileManager.default.removeItem(atPath: "/run/sluice/\(name).sock")
        try await perform("down")
    }
}

/// Makes a lab, runs `body` and removes the lab whatever happens. An error that `body` throws comes
/// out with the state of the lab at that moment.
func withLab(
    _ layout: Lab.Layout = .usual, direct: Bool = false,
    _ body: @Sendable (Lab) async throws -> Void
) async throws {
    let lab = Lab(layout)
    let options = ["--layout", layout.rawValue] + (direct ? ["--direct"] : [])
    do {
        let up = try await Command.run([Checkout.lab, "up", lab.name] + options)
        guard up.isSuccess else { throw Command.Failure(description: "lab up failed: \(up)") }
        try await Lab.$current.withValue(lab) { try await body(lab) }
    } catch {
        let evidence = lab.evidence
        try await lab.end()
        throw Command.Failure(description: "\(error)\n\(evidence)")
    }
    try await lab.end()
}
