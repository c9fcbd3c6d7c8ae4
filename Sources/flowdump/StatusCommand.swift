// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowReport

/// `flowdump status`: how many connections there are of each kind.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how many connections there are of each kind.",
        usage: "flowdump status [OPTIONS]")

    @OptionGroup var common: CommonOptions

    func run() throws {
        let source = try PinnedSource(instance: common.instance)
        try Self.print(source, common, sink: StandardOutput.write)
    }

    static func print(
        _ source: borrowing some FlowSource & ~Copyable, _ options: CommonOptions,
        sink: @escaping ReportSink
    ) throws {
        var summary = FlowSummary()
        try source.forEachFlow { summary.count($0) }
        try NumberPrinter(format: options.output, hasHeader: !options.noHeader).print(
            summary.numbers, title: "kind", member: "connections", instance: options.instance,
            sink: sink)
    }
}
