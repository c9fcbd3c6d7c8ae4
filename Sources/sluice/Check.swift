// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Balancing
import Settings

/// `sluice check FILE`: the configuration without the daemon.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a configuration file; nothing is attached.")

    @Argument(help: "The file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    func run() throws {
        let configuration = try load(file)
        let endpoints = configuration.clusters.reduce(0) {
            $0 + $1.endpoints.count + $1.names.count
        }
        print(
            "\(file): ok, \(configuration.listeners.count) listeners, "
                + "\(configuration.clusters.count) clusters, \(endpoints) endpoints")
    }
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
