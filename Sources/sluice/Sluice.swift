// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KernelSockets

/// The version of this tree.
let sluiceVersion = "0.1.0"

/// `sluice`: the daemon and its few verbs.
struct Sluice: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "A layer-4 load balancer that routes TLS by SNI without terminating it.",
        discussion: """
            Without a verb it runs: sluice --config FILE [--ifindex N]...; sluice help run lists \
            all options. Exit codes: 0 ok, 1 something failed, 2 the command line or the \
            configuration is wrong.
            """,
        version: sluiceVersion,
        subcommands: [
            Run.self, Check.self, Explain.self, Config.self, Convert.self, Status.self,
            Endpoints.self, SetEndpoint.self, Drain.self, ReloadConfiguration.self, Unload.self,
        ],
        defaultSubcommand: Run.self)
}

@main
enum Main {
    static func main() {
        do {
            var command = try Sluice.parseAsRoot()
            try command.run()
        } catch let error as ExitCode {
            Sluice.exit(withError: error)
        } catch {
            let code = Sluice.exitCode(for: error)
            guard code != .success else { Sluice.exit(withError: error) }
            printError(Sluice.fullMessage(for: error))
            Sluice.exit(withError: ExitCode(code == .validationFailure ? 2 : 1))
        }
    }
}
