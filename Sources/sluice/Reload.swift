// SPDX-License-Identifier: Apache-2.0

import Balancing
import ConnectionLogging
import Datapath
import Dispatch
import Foundation
import HealthProbing
import KernelSockets
import Logging
import Relaying
import Settings
import Splicing

/// Where the configuration comes from, at the start and at each reload.
final class ConfigurationSource {
    private let file: String
    /// Whether a change of the file is a reload; changes of the files that it names always are.
    private let watchesFile: Bool
    /// What the command line has to say about it.
    private let override: (inout Configuration) throws -> Void
    /// The file as it was right before it was read last.
    private var version: FileVersion

    /// To be made before the file is read.
    init(
        file: String, watchesFile: Bool,
        override: @escaping (inout Configuration) throws -> Void
    ) {
        self.file = file
        self.watchesFile = watchesFile
        self.override = override
        version = FileVersion(of: Self.absolute(file))
    }

    private static func absolute(_ file: String) -> String {
        file.hasPrefix("/") ? file : FileManager.default.currentDirectoryPath + "/" + file
    }

    /// - Throws: ``ConfigurationErrors``, or what `override` throws.
    func read(warn: (ConfigurationError) -> Void) throws -> Configuration {
        version = FileVersion(of: version.path)
        var configuration = try Configuration.load(file: file, warn: warn)
        try override(&configuration)
        return configuration
    }

    /// The file itself, if it is followed.
    var watched: [FileVersion] { watchesFile ? [version] : [] }
}

/// Another configuration while connections come: all of it, or nothing.
extension Daemon {
    /// Reads the configuration again. What is wrong with it is logged and returned, and the old one
    /// stays.
    func reload(_ source: ConfigurationSource) -> String? {
        // Should the file itself be refused, they are not even read.
        namedFiles = routing.configuration.files.map { FileVersion(of: $0.path) }
        do {
            let configuration = try source.read { [logger] in
                logger.warning("configuration", metadata: ["warning": "\($0)"])
            }
            note(configuration.files)
            try change(to: try names.resolve(configuration))
            names.settle(on: configuration)
            namedFiles = configuration.files
            counters.increment(.reloaded)
            datapath?.noteReload(isRefused: false)
            noteLackOfRoom(configuration)
            logger.notice(
                "configuration reloaded",
                metadata: [
                    "listeners": "\(configuration.listeners.count)",
                    "clusters": "\(configuration.clusters.count)",
                    "endpoints": "\(configuration.clusters.reduce(0) { $0 + $1.endpoints.count })",
                ])
            return nil
        } catch {
            counters.increment(.reloadRefused)
            datapath?.noteReload(isRefused: true)
            let errors = error as? ConfigurationErrors
            if let errors { note(errors.files) }
            let lines = errors?.errors.map { "\($0)" } ?? ["\(error)"]
            for line in lines {
                logger.error(
                    "configuration not reloaded: the one before stays in force",
                    metadata: ["error": "\(line)"])
            }
            return lines.joined(separator: "\n")
        }
    }

    /// The first rate of sources that a reload brings finds no more room than was made at the start.
    private func noteLackOfRoom(_ configuration: Configuration) {
        let made = self.configuration.sourceRooms.paces
        guard datapath != nil, configuration.sourceRooms.paces > made else { return }
        logger.warning(
            "\"rate\" of \"per_source\" has little room: restart sluice for more, flows go on meanwhile",
            metadata: [
                "tracked_sources": "\(configuration.limits.trackedSources)", "now": "\(made)",
            ])
    }

    /// Follows those files as well, or as they are now.
    private func note(_ files: [FileVersion]) {
        let paths = Set(files.map(\.path))
        namedFiles = namedFiles.filter { !paths.contains($0.path) } + files
    }

    /// Names of endpoints stand for others than before; what was in force is so still but for them.
    func followNames() {
        let configuration = names.current(routing.configuration)
        do {
            try change(to: configuration)
        } catch {
            logger.error(
                "cannot follow names: their endpoints stay as they were",
                metadata: ["error": "\(error)"])
        }
    }

    private func change(to configuration: Configuration) throws {
        let fixed = routing.configuration.keysOfAStart(
            changedIn: configuration, servesPlain: self.configuration.hasPlainListeners)
        guard fixed.isEmpty else {
            throw Refusal(
                "\(fixed.joined(separator: ", ")) can change only at a start: restart sluice, "
                    + "flows go on meanwhile")
        }
        try follower?.change { ways, interfaces, selectors in
            let plan = Plan(configuration, interfaces, selectors: selectors)
            try plan.checkOwnership(configuration, after: routing.configuration)
            try ways.check(plan)
            var next = try Routing(
                configuration, ids, attached: interfaces, datapath: datapath, counters: counters,
                continuing: routing)
            let monitor: HealthMonitor
            do {
                monitor = try self.monitor(of: next)
                if let datapath { try next.giveSources(to: datapath) }
            } catch {
                next.retire(for: routing)
                throw error
            }
            if let datapath { next.giveEndpoints(to: datapath, logger) }
            // From here on nothing fails that would leave the old one in force.
            let earlier = routing
            routing = next
            use(next, after: earlier, monitor)
            ways.use(next)
            ways.look(interfaces, selectors: selectors)
            plain?.forgetLeft()
            earlier.retire(for: next)
            if let datapath { routing.retireSources(in: datapath) }
        }
    }

    /// Everybody goes by it when this returns. Those who are handed clients come before those who
    /// hand them over; addresses of new listeners are not answered yet.
    private func use(_ next: Routing, after earlier: Routing, _ monitor: HealthMonitor) {
        let (configuration, routes) = (next.configuration, next.snapshot)
        log?.names.add(next)
        self.monitor?.stop()
        next.takeOverHealth(of: earlier)
        watchHealth(monitor)
        desk?.use(next)
        relay.use(RelayLimits(configuration))
        bridge.use(routes, SourceGates(configuration, listenerIDs: next.listenerIDs))
        sweeper?.use(routes, FlowSweeper.Limits(configuration))
        let done = DispatchSemaphore(value: 0)
        let limits = SplicerLimits(configuration, workers: workers.count)
        for worker in workers {
            worker.deliver(.configuration(routes, limits) { done.signal() })
        }
        for _ in workers { done.wait() }
        next.limits.follow(configuration, next.listenerIDs, after: earlier.limits)
        plain?.use(routes)
        do {
            try promises?.use(routes)
        } catch {
            logger.warning("cannot change a listener's promise", metadata: ["error": "\(error)"])
        }
    }

    private func watchHealth(_ next: HealthMonitor) {
        let earlier = monitor
        earlier?.stop()
        monitor = next
        do {
            try next.start(after: earlier)
        } catch {
            logger.critical(
                "endpoints are not checked any more: reload to try again",
                metadata: ["error": "\(error)"])
        }
    }
}

extension RelayLimits {
    init(_ configuration: Configuration) {
        self.init()
        halfClassified = configuration.limits.halfClassified
        idleTimeout = configuration.limits.idleTimeout
    }
}

extension SplicerLimits {
    /// Those of one of so many workers.
    init(_ configuration: Configuration, workers: Int) {
        self.init()
        closedLinger = configuration.limits.closedLinger
        halfClassified = max(configuration.limits.halfClassified / max(workers, 1), 1)
    }
}

extension FlowSweeper.Limits {
    init(_ configuration: Configuration) {
        self.init(idle: configuration.limits.idleTimeout)
        let slowest = configuration.clusters.map(\.connectTimeout).max() ?? .seconds(1)
        forgotten = max(forgotten, slowest * 3, configuration.limits.closedLinger * 2)
        probesIdle = configuration.limits.idleProbe
        countsKeepalives = configuration.limits.countsKeepalives
        lifetime = configuration.limits.maxLifetime
    }
}
