// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

/// `sluice config`: what a file comes to.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at a configuration.", subcommands: [Dump.self])

    /// `sluice config dump FILE`: all values, defaults included.
    struct Dump: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the effective configuration as YAML that reads back to the same.")

        @Argument(help: "The file.", completion: .file(extensions: ["yaml", "yml"]))
        var file: String

        func run() throws { print(try load(file).text, terminator: "") }
    }
}
