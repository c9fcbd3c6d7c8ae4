// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import FlowReport

/// Options of every verb.
struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: "Whose maps to read.")
    var instance = "sluice"

    @Option(name: [.short, .long], help: "How to write it.")
    var output = ReportFormat.table

    @Flag(name: .long, help: "Leave out the line of headings.")
    var noHeader = false

    /// The name is part of a path under /sys/fs/bpf.
    func validate() throws {
        let isFileName = !instance.isEmpty && !instance.hasPrefix(".") && !instance.contains("/")
        guard isFileName else {
            throw ValidationError("\"\(instance)\" is no name of an instance.")
        }
    }
}

extension ReportFormat: ExpressibleByArgument {}
extension FlowSort: ExpressibleByArgument {}
