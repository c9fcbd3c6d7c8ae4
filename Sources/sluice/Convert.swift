// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

/// `sluice convert FILE`: a file of Envoy's shape as one of ours.
struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print an Envoy bootstrap as a configuration of sluice's own.",
        discussion: """
            Every value is written out, as by "sluice config dump". What means something else here \
            is said on standard error. Exit codes: 0 done, 2 the file has errors, each told in a line.
            """)

    @Argument(help: "The file.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var file: String

    func run() throws {
        let configuration = try load(file)
        print(configuration.text, terminator: "")
        noteMissingInterface(of: configuration, file)
    }
}
