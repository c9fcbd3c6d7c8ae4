// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Datapath
internal import FlowReport
internal import KernelSockets
internal import Foundation

/// `flowdump kill FILTER`: resets connections at both ends.
struct KillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Reset connections at both ends.",
        usage: "flowdump kill [OPTIONS] FILTER...",
        discussion: """
            FILTER is as for "flowdump list", and must be given; "age >= 0s" is any connection.
            Needs root (CAP_NET_RAW and CAP_NET_ADMIN), not the daemon. Relayed connections
            belong to the daemon and are left alone; 1 is the exit code if only such match.

            Asks before it resets more than 100, unless -y is given.
            """)

    /// Most connections that are reset without a question.
    static let unasked = 100

    @OptionGroup var named: InstanceOption

    @Flag(name: [.customShort("n"), .long], help: "Count what would be reset, and do nothing.")
    var dryRun = false

    @Flag(name: [.customShort("y"), .long], help: "Do not ask.")
    var yes = false

    @Argument(help: ArgumentHelp("Which connections.", valueName: "filter"))
    var words: [String] = []

    func validate() throws {
        if words.isEmpty {
            throw ValidationError("kill needs a filter: which connections are to be reset?")
        }
    }

    func run() throws {
        let filter = try FlowFilter(words.joined(separator: " "))
        let table = try PinnedFlowTable(instance: named.name)
        let (spliced, relayed) = try Self.matches(in: table, filter)
        if dryRun {
            return try say("would reset \(spliced.count) connections", relayed)
        }
        if spliced.count > Self.unasked, !yes { try ask(spliced.count) }
        let killed = try Resetter().reset(spliced, of: table)
        try say("\(killed) connections reset", relayed)
        if spliced.isEmpty, relayed > 0 { throw ExitCode(1) }
    }

    /// Spliced connections that match, and how many relayed ones do.
    private static func matches(
        in table: borrowing PinnedFlowTable, _ filter: FlowFilter
    ) throws -> (spliced: [Flow], relayed: Int) {
        var spliced: [Flow] = []
        var relayed = 0
        let now = MonotonicClock.nanoseconds
        let walk = table.walk()
        while try table.nextFlows(
            of: walk,
            { flow in
                guard filter.matches(flow, now: now) else { return }
                if flow.relayReason != nil {
                    relayed += 1
                } else if flow.state == .established || flow.state == .closing {
                    spliced.append(flow)
                }
            })
        {}
        return (spliced, relayed)
    }

    private func say(_ sentence: String, _ relayed: Int) throws {
        let rest = relayed == 0 ? "" : "; \(relayed) relayed ones are the daemon's"
        try StandardOutput.write(Array((sentence + rest + "\n").utf8))
    }

    private func ask(_ count: Int) throws {
        guard isatty(0) != 0 else {
            throw FlowdumpError(
                "\(count) connections match, more than \(Self.unasked), and nobody can be asked: "
                    + "narrow the filter, or give -y")
        }
        StandardOutput.writeError("Reset \(count) connections? [y/N]")
        guard readLine()?.lowercased() == "y" else { throw ExitCode(1) }
    }
}
