// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowReport
internal import KernelSockets

/// `flowdump list`, the verb that need not be said.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List connections (the default).",
        usage: "flowdump [OPTIONS] [FILTER...]",
        discussion: """
            FILTER words:
              sni PATTERN, cluster PATTERN        names; * is any run of characters
              listener PATTERN|ADDRESS            its name, or where the client went
              client, endpoint, balancer ADDRESS  10.0.0.1, 10.0.0.0/8, [::1]:443
              client, endpoint, ... port PORT     a port of one side
              port PORT                           a port of any side
              state connecting|established|closing|closed|reset
              mode spliced|relayed, reason local-client|options-refused|...
              age, idle > DURATION                10s, 1h30m; also < >= <= = !=
              bytes > SIZE, packets > COUNT       both directions; 1MiB, 10k
            joined by and, or, not and ( ); not binds first, then and. Quote what the
            shell would take: flowdump 'sni *.example.com and age > 1h'
            """)

    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: "Order by this; all flows are kept in memory for it.")
    var sort: FlowSort?

    @Flag(name: .long, help: "Turn the order around.")
    var reverse = false

    @Option(name: .long, help: "Show no more than this many.")
    var limit: Int?

    @Flag(name: [.short, .long], help: "Exact numbers in a table, no 1.2M and 3m12s.")
    var numeric = false

    @Option(name: .long, help: "How many columns a table may take.")
    var width = 100

    @Flag(name: .long, help: "Exit with 1 when nothing matches.")
    var exitCode = false

    @Flag(name: .long, help: "Show verdict and drop reason counters instead.")
    var counters = false

    @Argument(help: ArgumentHelp("Which connections; all without it.", valueName: "filter"))
    var words: [String] = []

    func validate() throws {
        if let limit, limit < 0 { throw ValidationError("--limit takes a number from 0 up.") }
        if width < 100 { throw ValidationError("--width takes a number from 100 up.") }
        if reverse, sort == nil { throw ValidationError("--reverse needs --sort.") }
        if counters, !words.isEmpty { throw ValidationError("--counters takes no filter.") }
    }

    func run() throws {
        let filter = try FlowFilter(words.joined(separator: " "))
        let source = try PinnedSource(instance: common.instance)
        if counters {
            return try CountersCommand.print(source, common, sink: StandardOutput.write)
        }
        let listing = Listing(command: self, filter: filter)
        let count = try listing.print(
            source, now: MonotonicClock.nanoseconds, sink: StandardOutput.write)
        if exitCode, count == 0 { throw ExitCode(1) }
    }
}
