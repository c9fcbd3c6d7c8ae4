// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A running `sluice` in the balancer's namespace.
struct Balancer: Sendable {
    let lab: Lab
    let command: Command

    /// Processor time of the daemon so far, as the kernel bills it: in ticks of 10 ms.
    var processorTicks: Int {
        get throws {
            let fields = try statistics.components(separatedBy: " ")
            return (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
        }
    }

    /// The same to the nanosecond.
    var processorNanoseconds: UInt64 {
        get throws {
            try threads("schedstat").reduce(0) { $0 + (UInt64($1.prefix { $0 != " " }) ?? 0) }
        }
    }

    /// Whether SIGSTOP holds every thread of it.
    var isStopped: Bool {
        get throws { try threads("stat").allSatisfy { $0.contains(") T ") } }
    }

    /// A file of /proc for each of its threads.
    private func threads(_ file: String) throws -> [String] {
        let tasks = "/proc/\(command.identifier)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).map {
            try String(contentsOfFile: "\(tasks)/\($0)/\(file)", encoding: .utf8)
        }
    }

    var residentKiB: Int {
        get throws { try statusKiB("VmRSS:") }
    }

    /// The most memory that the daemon ever had.
    var residentPeakKiB: Int {
        get throws { try statusKiB("VmHWM:") }
    }

    private func statusKiB(_ name: String) throws -> Int {
        let status = try String(
            contentsOfFile: "/proc/\(command.identifier)/status", encoding: .utf8)
        let words = status.split { $0.isWhitespace }
        guard let place = words.firstIndex(of: Substring(name)), let value = Int(words[place + 1])
        else { throw Command.Failure(description: "no \(name) in \(status)") }
        return value
    }

    /// What follows the process's name in /proc/PID/stat, from the state on.
    private var statistics: String {
        get throws {
            let text = try String(
                contentsOfFile: "/proc/\(command.identifier)/stat", encoding: .utf8)
            return String(
                text[
                    (text.range(of: ") ", options: .backwards)?.upperBound
                        ?? text.startIndex)...])
        }
    }

    /// SIGTERM; the daemon cleans up and ends.
    @discardableResult
    func stop() async throws -> Command.Output {
        command.send(SIGTERM)
        return try await command.wait(.seconds(10))
    }

    func kill() async throws {
        command.send(SIGKILL)
        try await command.wait(.seconds(5))
    }
}

extension Lab {
    var balancerLog: String { "\(state)/sluice.log" }

    private var configurationFile: String { "\(state)/sluice.yaml" }

    func write(_ configuration: Configuration) throws -> String {
        let text = configuration.yaml(instance: name, interfaces: layout.interfaces)
        try text.write(toFile: configurationFile, atomically: true, encoding: .utf8)
        return configurationFile
    }

    /// Starts `sluice` and waits until it says that it serves. `wrapper` is a command that runs it.
    func startBalancer(
        _ configuration: Configuration, options: [String] = [], wrapper: [String] = []
    ) async throws -> Balancer {
        try await startBalancer(file: write(configuration), options: options, wrapper: wrapper)
    }

    /// The same with a configuration file that is there already.
    func startBalancer(
        file: String, options: [String], wrapper: [String] = []
    ) async throws -> Balancer {
        let line = wrapper + [Checkout.sluice, "--config", file] + options
        // The log stays in one file over restarts, for the evidence.
        let script = "exec \"$@\" >>\(balancerLog) 2>&1"
        let command = try start(.balancer, ["bash", "-c", script, "bash"] + line)
        let before = readySentences
        let isReady = await isTrue(within: .seconds(20)) {
            readySentences > before || !command.isRunning
        }
        guard isReady, command.isRunning else {
            throw Command.Failure(description: "sluice did not get ready")
        }
        return Balancer(lab: self, command: command)
    }

    private var readySentences: Int {
        let log = (try? String(contentsOfFile: balancerLog, encoding: .utf8)) ?? ""
        return log.components(separatedBy: "ready").count - 1
    }

    /// Runs `sluice` where it is expected to fail.
    func runBalancer(_ arguments: String...) async throws -> Command.Output {
        try await run(.balancer, [Checkout.sluice] + arguments, limit: .seconds(20))
    }

    /// The flows that `flowdump` lists for a filter, one JSON text each.
    func flows(_ filter: String = "") async throws -> [String] {
        let output = try await Command.run(
            [Checkout.flowdump, "--instance", name, "-o", "jsonl"]
                + filter.split(separator: " ").map(String.init))
        guard output.isSuccess else {
            throw Command.Failure(description: "flowdump failed: \(output)")
        }
        return output.text.split(separator: "\n").map(String.init)
    }

    /// Programs on the balancer's hooks, and pins of the instance.
    func leftovers() async throws -> [String] {
        var found: [String] = []
        for interface in layout.interfaces {
            let tool = "\(Checkout.tools)/tcx"
            let tcx = try await run(.balancer, [tool, "count", interface])
            if tcx.text != "0\n" { found.append("tcx programs on \(interface): \(tcx)") }
            for direction in ["ingress", "egress"] {
                let filters = try await run(
                    .balancer, ["tc", "filter", "show", "dev", interface, direction])
                if !filters.text.isEmpty { found.append(filters.text) }
            }
        }
        if FileManager.default.fileExists(atPath: pins) { found.append(pins) }
        return found
    }
}
