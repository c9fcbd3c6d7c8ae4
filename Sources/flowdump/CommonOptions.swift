// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import FlowReport

/// Options of every verb.
struct CommonOptions: ParsableArguments {
    @OptionGroup var named: InstanceOption

    @Option(name: [.short, .long], help: "How to write it.")
    var output = ReportFormat.table

    @Flag(name: .long, help: "Leave out the line of headings.")
    var noHeader = false

    var instance: String { named.name }
}

extension ReportFormat: ExpressibleByArgument {}
extension FlowSort: ExpressibleByArgument {}
