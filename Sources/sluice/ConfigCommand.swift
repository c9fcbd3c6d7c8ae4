// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

/// `sluice config`: what a file comes to, and what may stand in one.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at a configuration, or at what may stand in one.",
        subcommands: [Dump.self, Schema.self, Reference.self])

    /// `sluice config dump FILE`: all values, defaults included.
    struct Dump: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the effective configuration as YAML that reads back to the same.")

        @Argument(help: "The file.", completion: .file(extensions: ["yaml", "yml"]))
        var file: String

        func run() throws { print(try load(file).text, terminator: "") }
    }

    /// `sluice config schema`: for editors and other programs.
    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the JSON Schema of configurations.",
            discussion: "In an editor: # yaml-language-server: $schema=PATH, in the first line.")

        func run() throws { print(Configuration.jsonSchema, terminator: "") }
    }

    /// `sluice config reference`: for people.
    struct Reference: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every key, its default and what may be written, as Markdown.")

        func run() throws { print(Configuration.referencePage, terminator: "") }
    }
}
