// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Balancing
import Settings

/// `sluice check FILE`: the configuration without the daemon.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a configuration file; nothing is attached.",
        discussion: "Exit codes: 0 it is good, 2 it has errors, each told in a line.")

    @Argument(help: "The file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    func run() throws {
        let configuration = try load(file)
        let endpoints = configuration.clusters.reduce(0) {
            $0 + $1.endpoints.count + $1.names.count
        }
        let parts = [
            counted(configuration.listeners.count, "listener"),
            counted(configuration.clusters.count, "cluster"), counted(endpoints, "endpoint"),
        ]
        print("\(file): ok, \(parts.joined(separator: ", "))")
        noteMissingInterface(of: configuration, file)
    }

    private func counted(_ count: Int, _ name: String) -> String {
        "\(count) \(name)\(count == 1 ? "" : "s")"
    }
}

/// A start needs to be told of one then.
func noteMissingInterface(of configuration: Configuration, _ file: String) {
    guard configuration.interfaces.isEmpty else { return }
    printError("note: \(file) names no interface; add \"interface\", or start with --ifindex")
}

/// Reads a configuration; its errors, a line each, end the program with 2, and warnings do not.
func load(_ file: String) throws -> Configuration {
    do {
        return try Configuration.load(file: file) { printError("warning: \($0)") }
    } catch {
        printError("\(error)")
        throw ExitCode(2)
    }
}
