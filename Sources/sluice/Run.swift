// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import KernelSockets
import Settings

/// `sluice run`: the daemon itself.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the load balancer until SIGTERM or SIGINT (the default verb).",
        discussion: """
            SIGHUP has the configuration read again, and so has a change of a file that it names \
            (endpoints_file, routes_file, source_file, …). What is wrong with it is logged, and the one before \
            stays in force. Connections go on in any case.
            """)

    @Option(name: .shortAndLong, help: "The configuration file.", completion: .file())
    var config: String?

    /// What the command line has besides: a verb that there is not, or the file without its option.
    @Argument(help: .hidden)
    var others: [String] = []

    @Option(
        name: [.customLong("ifindex"), .customLong("interface")],
        help: "An interface, by index or name; may be repeated.")
    var interfaces: [String] = []

    @Option(help: "The instance, in place of the configuration's.")
    var instance: String?

    @Flag(help: "Follow changes of the configuration file as well.")
    var watch = false

    @Flag(help: "Leave the flows running when stopped.")
    var keepFlows = false

    @Option(help: "Log lines for people or as JSON: human, json.")
    var logFormat: String?

    @Option(
        help: "Least level that is logged: trace, debug, info, notice, warning, error, critical.")
    var logLevel: String?

    func validate() throws {
        let verbs = Sluice.configuration.subcommands.map {
            $0.configuration.commandName ?? "\($0)".lowercased()
        }
        if let other = others.first {
            throw ValidationError(
                FileManager.default.fileExists(atPath: other)
                    ? "\"\(other)\" stands alone; write --config \(other)."
                    : "\"\(other)\" is no verb; there are: \(verbs.joined(separator: ", ")).")
        }
        if config == nil {
            throw ValidationError("There is no configuration; write --config FILE, or a verb.")
        }
    }

    func run() throws {
        guard let config else { return }
        DaemonSignal.hold()
        let source = ConfigurationSource(file: config, watchesFile: watch, override: override)
        var configuration = try load(config)
        try override(&configuration)
        let selectors = try interfaces.map { text in
            guard let selector = InterfaceSelector(text) else {
                throw failure("\"\(text)\" is no interface index or name", code: 2)
            }
            return selector
        }
        raiseOpenFileLimit()
        let names: NameFollower
        do {
            names = try NameFollower(configuration)
            configuration = try names.resolve(configuration)
        } catch {
            throw failure("\(error)")
        }
        let plan = try Plan(configuration, extraInterfaces: selectors)
        let daemon = try Daemon(configuration, plan, names, makeLogger(configuration.log))
        try daemon.serve(source, keepFlows: keepFlows)
    }

    /// What options say in place of the file.
    private func override(_ configuration: inout Configuration) throws {
        if let instance {
            guard configuration.rename(instance) else {
                throw failure(
                    "\"\(instance)\" is no instance; write \(Configuration.acceptedInstances)",
                    code: 2)
            }
        }
        if let logFormat {
            guard let format = LogFormat(rawValue: logFormat) else {
                throw failure("unknown log format \"\(logFormat)\"; use human or json", code: 2)
            }
            configuration.log.format = format
        }
        if let logLevel {
            guard let level = LogLevel(rawValue: logLevel) else {
                throw failure(
                    "unknown log level \"\(logLevel)\"; use "
                        + LogLevel.allCases.map(\.rawValue).joined(separator: ", "), code: 2)
            }
            configuration.log.level = level
        }
    }
}
