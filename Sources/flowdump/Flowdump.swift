// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowReport

/// The program: arguments in, exit code out.
@main
struct Flowdump: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flowdump",
        abstract: "Shows the connections that sluice balances, from its pinned maps.",
        usage: """
            flowdump [OPTIONS] [FILTER...]
            flowdump counters|status [OPTIONS]
            flowdump metrics [--instance NAME] [--no-walk]
            flowdump kill [OPTIONS] FILTER...
            """,
        discussion: """
            Works whether or not sluice is running. Without a verb it lists: see
            "flowdump list --help" for its options and the words of a filter.

            Exit codes: 0 done, 1 it failed, 2 wrong usage. A list that matches nothing is
            done as well, unless --exit-code is given.
            """,
        version: "flowdump 0.1.0",
        subcommands: [
            ListCommand.self, CountersCommand.self, StatusCommand.self, MetricsCommand.self,
            KillCommand.self,
        ],
        defaultSubcommand: ListCommand.self)

    static func main() {
        let code: Int32
        do {
            var command = try parseAsRoot()
            try command.run()
            return
        } catch {
            code = report(error)
        }
        Flowdump.exit(withError: code == 0 ? nil : ExitCode(code))
    }

    /// Tells what happened; answers the exit code. ArgumentParser's 64 for wrong usage is our 2.
    static func report(_ error: any Error) -> Int32 {
        switch error {
        case is ReaderIsGone: return 0
        case let code as ExitCode: return code.rawValue
        case let error as FlowdumpError:
            StandardOutput.writeError("flowdump: \(error)")
            return 1
        case let error as FilterError:
            StandardOutput.writeError("flowdump: \(error)")
            return 2
        default: return reportParsing(error)
        }
    }

    private static func reportParsing(_ error: any Error) -> Int32 {
        let text = fullMessage(for: error)
        switch exitCode(for: error) {
        case .success:
            do {
                try StandardOutput.write(Array((text + "\n").utf8))
                return 0
            } catch {
                return report(error)
            }
        case .validationFailure:
            StandardOutput.writeError(text)
            return 2
        default:
            StandardOutput.writeError("flowdump: \(error)")
            return 1
        }
    }
}
