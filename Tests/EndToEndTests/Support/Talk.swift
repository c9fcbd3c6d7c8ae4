// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Connections of Tests/Lab/talk.py that are open, and stay so until they are told to end.
struct Talk: Sendable {
    private let command: Command
    private let signal: String

    /// What talk.py reports in the end.
    struct Report: Decodable, Sendable {
        /// Connections that brought every byte both ways and ended by half-close.
        var good: Int
        /// Of how many the endpoint saw the client's own address and port.
        var seen: Int
        /// How many the endpoint had on each of its ports.
        var ports: [String: Int]
        var errors: [String: Int]
        /// How often one ended before it was open, by how, and was begun anew (`--retry`).
        var retries: [String: Int]
        /// The longest time to an answer while it talked steadily, in seconds.
        var slowest: Double
    }

    fileprivate init(_ lab: Lab, _ role: Lab.Role, _ options: [String], _ target: Target) throws {
        signal = "\(lab.state)/end-\(UUID().uuidString)"
        command = try lab.start(
            role,
            [Checkout.talk, "--until", signal] + options
                + [target.address, "\(target.port)", "echo.test"])
    }

    /// Waits until the endpoint has answered all of them.
    func waitUntilOpen(_ limit: Duration = .seconds(30)) async throws {
        let isOpen = await isTrue(within: limit) {
            command.printed.text.hasPrefix("open") || !command.isRunning
        }
        #expect(isOpen, "\(command.printed)")
    }

    /// Lets them end, and reads what they say.
    func end() async throws -> Report {
        try Data().write(to: URL(filePath: signal))
        let output = try await command.wait(.seconds(90))
        guard let line = output.text.split(separator: "\n").last,
            let report = try? JSONDecoder().decode(Report.self, from: Data(line.utf8))
        else { throw Command.Failure(description: "talk.py: \(output)") }
        return report
    }

    /// Ends them and expects `count` connections without an error.
    func expectGood(_ count: Int = 1) async throws {
        let report = try await end()
        #expect(report.good == count && report.errors.isEmpty, "\(report)")
    }
}

extension Lab {
    /// Where the endpoint's echo listens.
    static let echoPort = 9700

    /// Starts echo endpoints on `count` ports and waits until they listen.
    @discardableResult
    func startEcho(
        _ role: Role = .endpoint, port: Int = echoPort, count: Int = 1
    ) async throws -> Command {
        try await startAndWait(role, [Checkout.echoEndpoint, "\(port)", "\(count)"])
    }

    /// Starts a server that prints `listening` when it does.
    @discardableResult
    func startAndWait(_ role: Role, _ line: [String]) async throws -> Command {
        let server = try start(role, line)
        let isListening = await isTrue(within: .seconds(10)) {
            server.printed.text.hasPrefix("listening") || !server.isRunning
        }
        guard isListening, server.isRunning else {
            throw Command.Failure(description: "\(line[0]): \(server.printed)")
        }
        return server
    }

    func startTalk(
        _ options: [String] = [], at target: Target, from role: Role = .client
    ) throws -> Talk {
        try Talk(self, role, options, target)
    }

    /// The value of one of the datapath's counters.
    func counter(_ name: String) async throws -> Int {
        struct Report: Decodable { var counters: [String: Int] }
        let output = try await Command.run(
            [Checkout.flowdump, "counters", "--instance", self.name, "-o", "json"])
        let report = try JSONDecoder().decode(Report.self, from: Data(output.text.utf8))
        guard let value = report.counters[name] else {
            throw Command.Failure(description: "no counter \(name): \(output)")
        }
        return value
    }
}
