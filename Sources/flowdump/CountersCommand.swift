// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowReport

/// `flowdump counters`: what the datapath decided, and why packets were dropped.
struct CountersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "counters", abstract: "Show verdict and drop reason counters.",
        usage: "flowdump counters [OPTIONS]")

    @OptionGroup var common: CommonOptions

    func run() throws {
        let source = try PinnedSource(instance: common.instance)
        try Self.print(source, common, sink: StandardOutput.write)
    }

    static func print(
        _ source: borrowing some FlowSource & ~Copyable, _ options: CommonOptions,
        sink: @escaping ReportSink
    ) throws {
        try NumberPrinter(format: options.output, hasHeader: !options.noHeader).print(
            try source.counters(), title: "counter", member: "counters",
            instance: options.instance, sink: sink)
    }
}
