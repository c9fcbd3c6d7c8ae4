// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Balancing
import Foundation
import KernelSockets
import Settings

/// `sluice endpoints`: how the running daemon sees them.
struct Endpoints: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the endpoints of a running instance: state, health, weight, connections.")

    /// How it is printed.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    @Argument(help: "The cluster; all of them by default.")
    var cluster: String?

    @OptionGroup var named: InstanceOption
    private var instance: String { named.name }

    @Option(name: .shortAndLong, help: "How to print it: table, json.")
    var output = Format.table

    func run() throws {
        var request = ControlRequest(.endpoints)
        request.cluster = cluster
        try show(try ask(instance, request).clusters, as: output)
    }
}

/// `sluice set`: what is wanted of an endpoint from now on.
struct SetEndpoint: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Change weight or state of an endpoint of a running instance.",
        discussion: """
            States: auto (it serves when checks find it well), up and down (whatever checks find), \
            drain (no new connections; those that it has go on). It lasts until another word, a \
            restart, or the end of --ttl; what is not named stays as it is.
            """)

    @Argument(help: "The cluster.")
    var cluster: String

    @Argument(help: "The endpoint, for example 10.0.0.1:443.")
    var endpoint: String

    @Option(help: "auto, up, down or drain.")
    var state: String?

    @Option(help: "Its share of new connections, 0 to 65535.")
    var weight: Int?

    @Option(help: "After that time what is set here is as configured again, for example 10m.")
    var ttl: String?

    @OptionGroup var named: InstanceOption
    private var instance: String { named.name }

    func run() throws {
        var request = ControlRequest(.set)
        request.cluster = cluster
        request.endpoint = endpoint
        request.weight = weight
        request.ttl = try ttl.map { try milliseconds($0, "--ttl") }
        if let state {
            guard let wanted = WantedState(rawValue: state) else {
                throw failure("unknown state \"\(state)\"; use auto, up, down or drain", code: 2)
            }
            request.state = wanted
        }
        if let weight, !(0...65535).contains(weight) {
            throw failure("--weight is \(weight); write 0 to 65535", code: 2)
        }
        guard request.state != nil || weight != nil else {
            throw failure("nothing to set: name --state or --weight", code: 2)
        }
        try show(try ask(instance, request).clusters, as: .table)
    }
}

/// `sluice drain`: the way out of service.
struct Drain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give an endpoint of a running instance no new connections.",
        discussion: """
            Those that it has go on, to their end or to the deadline; then what is left is reset at \
            both ends. `sluice set CLUSTER ENDPOINT --state auto` brings it back.
            """)

    @Argument(help: "The cluster.")
    var cluster: String

    @Argument(help: "The endpoint, for example 10.0.0.1:443.")
    var endpoint: String

    @Option(help: "When what is left is reset, for example 30s; without it, never.")
    var deadline: String?

    @Flag(help: "Wait until it has no connection any more, and tell how many it has.")
    var wait = false

    @OptionGroup var named: InstanceOption
    private var instance: String { named.name }

    func run() throws {
        var request = ControlRequest(.set)
        request.cluster = cluster
        request.endpoint = endpoint
        request.state = .drain
        request.deadline = try deadline.map { try milliseconds($0, "--deadline") }
        var clusters = try ask(instance, request).clusters
        guard wait else { return try show(clusters, as: .table) }
        request = ControlRequest(.endpoints)
        request.cluster = cluster
        var told: Int?
        while let view = clusters.first?.endpoints.first(where: { $0.address == endpoint }) {
            if view.connections != told {
                told = view.connections
                let rest = view.deadline.map { ", \(seconds($0)) to the deadline" } ?? ""
                print("\(view.connections) connections\(rest)")
            }
            if view.connections == 0 { return }
            guard view.state == .drain else {
                throw failure("\(endpoint) of \(cluster) is not draining any more")
            }
            Thread.sleep(forTimeInterval: 0.2)
            clusters = try ask(instance, request).clusters
        }
        throw failure("\(endpoint) of \(cluster) is not configured any more")
    }
}

/// `sluice reload`: SIGHUP with an answer.
struct ReloadConfiguration: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have a running instance read its configuration again.",
        discussion: """
            What is wrong with it is told, and the one before stays in force (exit code 1). \
            Connections go on in any case.
            """)

    @OptionGroup var named: InstanceOption
    private var instance: String { named.name }

    func run() throws {
        _ = try ask(instance, ControlRequest(.reload))
        print("instance \(instance) goes by its configuration as it is now")
    }
}

private func milliseconds(_ text: String, _ option: String) throws -> Int {
    guard let duration = Duration(setting: text), duration > .zero else {
        throw failure("\(option) is \"\(text)\"; write a time, for example 30s or 10m", code: 2)
    }
    return Int(duration / .milliseconds(1))
}

private func seconds(_ milliseconds: Int) -> String { "\((milliseconds + 999) / 1000) s" }

/// Asks the instance's daemon; its refusal ends the program with 1.
private func ask(_ instance: String, _ request: ControlRequest) throws -> ControlReply {
    let path = controlPath(instance: instance)
    let reply: ControlReply
    do {
        let connection = try LocalConnection(to: path, patience: 65)
        try connection.writeLine([UInt8](try JSONEncoder().encode(request)))
        let line = try connection.readLine(limit: .max)
        reply = try JSONDecoder().decode(ControlReply.self, from: Data(line))
    } catch let error as SocketError where [ENOENT, ECONNREFUSED].contains(error.code) {
        throw failure("instance \(instance) is not running: nobody listens at \(path)")
    } catch let error as SocketError {
        throw failure(
            "no answer from instance \(instance): \(error); is its daemon running, and are you "
                + "its user?")
    } catch {
        throw failure("instance \(instance) says what this version does not understand: \(error)")
    }
    if let error = reply.error { throw failure(error) }
    return reply
}

/// Why it is not well; `-`: it is, or nobody has found out.
private func reason(_ endpoint: EndpointView) -> String {
    guard let cause = endpoint.cause, endpoint.health != EndpointHealth.up.rawValue else {
        return "-"
    }
    return endpoint.lastError.map { "\(cause): \($0)" } ?? cause
}

private func show(_ clusters: [ClusterView], as format: Endpoints.Format) throws {
    if format == .json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(clusters), as: UTF8.self))
        return
    }
    var rows = [
        [
            "CLUSTER", "ENDPOINT", "STATE", "HEALTH", "FOR", "WEIGHT", "CONNECTIONS", "UNTIL",
            "WHY",
        ]
    ]
    for cluster in clusters {
        for endpoint in cluster.endpoints {
            let until = [
                endpoint.deadline.map { "reset in \(seconds($0))" },
                endpoint.ttl.map { "as configured in \(seconds($0))" },
            ].compactMap(\.self)
            rows.append([
                cluster.name, endpoint.address, endpoint.state.rawValue, endpoint.health,
                endpoint.healthAge.map { seconds($0 / 1000 * 1000) } ?? "-",
                "\(endpoint.weight)", "\(endpoint.connections)",
                until.isEmpty ? "-" : until.joined(separator: ", "), reason(endpoint),
            ])
        }
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    for row in rows {
        let cells = zip(row, widths).map { text, width in
            text.padding(toLength: width, withPad: " ", startingAt: 0)
        }
        print(cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces))
    }
}
