// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Balancing
import ConnectionLogging
import CrashPoints
import Datapath
import Foundation
import HealthProbing
import KernelBPF
import KernelSockets
import Logging
import Relaying
import Settings
import Splicing
import WireTypes

/// Everything that runs, wired; started by `init`, ended by `serve`.
final class Daemon {
    /// What it was started with; another one may be in force since: `routing` tells.
    let configuration: Configuration
    private let plan: Plan
    let names: NameFollower
    let logger: Logger
    private(set) var datapath: KernelDatapath?
    let ids: NameIDs
    /// The configuration in force.
    var routing: Routing
    private var lock: InstanceLock?
    /// What another version left, until it is ours.
    var migration: LayoutMigration?
    let relay: Relay
    let bridge: RelayBridge
    private(set) var workers: [SpliceWorker] = []
    private(set) var sweeper: FlowSweeper?
    private(set) var promises: ListenerPromises?
    private(set) var plain: PlainTables?
    private(set) var follower: NetworkFollower?
    var monitor: HealthMonitor?
    private let healthNews = HealthNews()
    private(set) var desk: EndpointDesk?
    let counters: SplicerCounters
    /// The connection log; nil: connections are not logged.
    let log: ConnectionLog?
    private let admission: FlowAdmission
    private var heartbeat: Heartbeat?
    /// Files that the configuration in force names, and one that was refused since, which may be well
    /// when one of them changes; as they were before they were read last.
    var namedFiles: [FileVersion]

    /// Loads, attaches and listens. On error nothing new is left attached or pinned.
    init(
        _ configuration: Configuration, _ plan: Plan, _ names: NameFollower, _ logger: Logger
    ) throws {
        self.configuration = configuration
        namedFiles = configuration.files
        self.plan = plan
        self.names = names
        self.logger = logger
        let pins = PinDirectory(instance: configuration.instance)
        let migration = try Self.findOtherVersion(pins)
        self.migration = migration
        lock = try Self.lock(pins)
        migration?.discardUnfinishedCopy(in: pins)
        let hadPins = !pins.pins.isEmpty
        let loaded = try Self.load(configuration, plan, migration, logger)
        datapath = loaded
        CrashPoint.reach(.mapsPinned)
        do {
            if let loaded { try migration?.prepare(loaded) }
        } catch {
            if !hadPins { loaded?.unload() }
            throw Self.refusal(of: migration, error)
        }
        counters = SplicerCounters(continuing: loaded)
        do {
            loaded?.clearDaemonState()
            let watermark = (loaded?.flowCapacity ?? 0) * configuration.limits.watermark / 100
            admission = FlowAdmission(limit: min(watermark, loaded?.safeFlowCapacity ?? 0) / 2)
            loaded?.publish(admittedEntries: 2 * admission.limit)
            loaded?.noteReload(isRefused: false)
            if let loaded { Self.noteKeptSizes(loaded, configuration.limits, logger) }
            let attached = loaded == nil ? [] : plan.interfaces
            ids = NameIDs(loaded)
            routing = try Routing(
                configuration, ids, attached: attached, datapath: loaded, counters: counters)
            let routes = routing.snapshot
            log = try Self.openLog(configuration, loaded, logger)
            log?.names.add(listeners: ids.names(.listener), clusters: ids.names(.cluster))
            log?.names.add(routing)
            let serverNames = Self.serverNames(loaded)
            bridge = RelayBridge(
                datapath: loaded, routes: routes, names: serverNames, counters: counters,
                gates: SourceGates(configuration, listenerIDs: routing.listenerIDs),
                logger: logger, log: log?.lane())
            relay = try Relay(
                policy: bridge, observer: bridge, limits: RelayLimits(configuration),
                logger: logger)
            bridge.use(relay)
            try eachSocket { address, _ in try ListeningSocket.check(address) }
            // Who waits for a first check must not serve before it.
            if loaded == nil { try watchHealth() }
            if let loaded { try splice(loaded, serverNames) }
            // Not before: the stack would take a remote client's SYN, and the handshake program
            // the segments after it, of which it knows nothing.
            try listen()
            try follow()
        } catch {
            // What an earlier daemon left running goes on without us.
            if !hadPins, migration?.hasSwitched != true { loaded?.unload() }
            // An exit code has had its sentence already.
            if let error = error as? ExitCode { throw error }
            throw failure("\(error)")
        }
    }

    /// Takes the instance, before anything of it is touched; nil when pins cannot be made at all.
    private static func lock(_ pins: PinDirectory) throws -> InstanceLock? {
        do {
            try pins.create()
        } catch let error where error.errno == EPERM || error.errno == EACCES {
            return nil
        } catch {
            throw failure("\(error)")
        }
        do {
            return try InstanceLock(pins)
        } catch {
            throw failure("\(error)")
        }
    }

    /// The datapath, or nil when the kernel does not let us load BPF: then everything is relayed.
    private static func load(
        _ configuration: Configuration, _ plan: Plan, _ migration: LayoutMigration?,
        _ logger: Logger
    ) throws -> KernelDatapath? {
        var options = DatapathOptions()
        options.instance = configuration.instance
        options.workers = min(
            configuration.workers ?? ProcessInfo.processInfo.activeProcessorCount, 64)
        options.flows = configuration.limits.flows
        options.handshakes = configuration.limits.handshakes
        options.tellsAge = configuration.log.connections != .off
        options.sourcePorts = configuration.source.ports
        if configuration.hasPlainListeners {
            options.openings = 2 * configuration.limits.handshakes
            options.plainPorts = PortShares(of: configuration.source.ports).plain
        }
        options.sources = configuration.sourceRooms
        options.endpoints = max(
            65536, 2 * configuration.clusters.reduce(0) { $0 + $1.endpoints.count })
        options.links = Set(plan.interfaces.map(\.link))
        options.needsHeartbeat = plan.interfaces.contains { mode(configuration, $0) == .clsact }
        let pins = PinDirectory(instance: configuration.instance)
        do {
            if let migration { try prepare(&options, for: migration) }
            return try KernelDatapath(options)
        } catch let error where error.errno == EPERM || error.errno == EACCES && geteuid() != 0 {
            logger.warning(
                "no permission to load BPF: every connection is relayed",
                metadata: ["error": "\(error)"])
            if pins.pins.isEmpty { pins.remove() }
            return nil
        } catch {
            if pins.pins.isEmpty { pins.remove() }
            throw failure("\(error)")
        }
    }

    /// Maps that an earlier daemon left, flows and all, are as large as they were.
    private static func noteKeptSizes(
        _ datapath: KernelDatapath, _ limits: Limits, _ logger: Logger
    ) {
        for (key, wanted, kept) in [
            ("limits.flows", limits.flows, datapath.flowCapacity),
            ("limits.handshakes", limits.handshakes, datapath.handshakeCapacity),
        ] where wanted != kept {
            logger.warning(
                "a size stays as it was, for flows were kept: stop sluice without --keep-flows to change it",
                metadata: ["key": .string(key), "wanted": "\(wanted)", "now": "\(kept)"])
        }
    }

    private static func mode(_ configuration: Configuration, _ interface: NetworkInterface)
        -> AttachMode
    {
        switch configuration.attach {
        case .auto: KernelDatapath.preferredMode(for: interface.index)
        case .tcx: .tcx
        case .clsact: .clsact
        }
    }

    private static func serverNames(_ datapath: KernelDatapath?) -> ServerNameTable {
        ServerNameTable(known: datapath?.storedServerNames() ?? []) { name, id in
            (try? datapath?.setServerName(name, id: id)) != nil
        } forget: { id in
            datapath?.removeServerName(id)
        }
    }

    /// Ordinary sockets, for clients on this host and when BPF is not permitted.
    private func listen() throws {
        try eachSocket { address, listener in
            try relay.listen(on: address, listener: routing.listenerIDs[listener])
        }
    }

    /// Calls `body` with each address to listen on and the index of its listener.
    private func eachSocket(_ body: (TransportAddress, Int) throws -> Void) throws {
        for (address, listener) in plan.sockets {
            do {
                try body(address, listener)
            } catch {
                throw failure(
                    "cannot listen on \(address) for listener "
                        + "\(configuration.listeners[listener].name): \(error)")
            }
        }
    }

    private func splice(_ datapath: KernelDatapath, _ names: ServerNameTable) throws {
        for address in plan.foreignSources(configuration) {
            logger.warning(
                "no endpoint's answer comes back to a source address that is not this host's, unless it is routed here",
                metadata: ["address": "\(address)"])
        }
        EphemeralPorts()?.warn(of: configuration.source.ports, logger)
        if !KernelDatapath.allowRouteLookups() {
            logger.warning(
                "cannot switch on net.ipv*.conf.lo.forwarding: packets go back the way they came",
                metadata: configuration.hasPlainListeners
                    ? ["plain_listeners": "have no way to endpoints"] : [:])
        }
        try takeOver(datapath)
        let adoption = adopt(datapath)
        routing.keepPlaces(
            of: Set(adoption.flows.map(\.upstream.destination)), attached: plan.interfaces)
        let routes = routing.snapshot
        bridge.use(routes)
        CrashPoint.reach(.flowsAdopted)
        var settings = SplicerSettings()
        settings.workers = datapath.options.workers
        settings.isSplicing = configuration.isSplicing
        settings.ports = configuration.source.ports
        settings.segmentSize = plan.segmentSize
        settings.limits = SplicerLimits(configuration, workers: settings.workers)
        settings.sequenceKey = try datapath.initialSequenceSecret()
        workers = try (0..<settings.workers).map { try SpliceWorker(index: $0) }
        let promises = ListenerPromises(datapath, routes)
        self.promises = promises
        let sweeper = try FlowSweeper(
            datapath: datapath, routes: routes, limits: FlowSweeper.Limits(configuration),
            workers: workers, names: names, fallback: bridge, counters: counters,
            promises: promises, logger: logger, log: log?.lane())
        self.sweeper = sweeper
        try watchHealth()
        for (index, worker) in workers.enumerated() {
            settings.worker = index
            var parts = WorkerParts(
                datapath: datapath, routes: routes, settings: settings, fallback: bridge,
                admission: admission, counters: counters, names: names, adopted: adoption.flows,
                logger: logger
            ) { [logger] error in
                // Flows go on without us, and whoever supervises us starts the next daemon.
                logger.critical("a worker cannot go on", metadata: ["error": "\(error)"])
                exit(1)
            }
            parts.log = log?.lane()
            try worker.start(parts, peers: workers, sweeper: sweeper)
        }
        try sweeper.start()
        CrashPoint.reach(.workersStarted)
        if datapath.options.needsHeartbeat { heartbeat = try Heartbeat(datapath) }
        try attach(datapath, promises)
        adoption.giveUpConnecting(workers)
    }

    /// Begins to check endpoints, and to hear what their connections say.
    private func watchHealth() throws {
        let monitor = try monitor(of: routing)
        self.monitor = monitor
        try monitor.start()
    }

    func monitor(of routing: Routing) throws -> HealthMonitor {
        let (clusters, routes) = (routing.configuration.clusters, routing.snapshot)
        return try HealthMonitor(
            monitoredClusters(routing.configuration, routes), signals: routes.signals,
            observer: HealthReport(clusters, routes, sweeper, relay, healthNews, logger))
    }

    /// Takes over the splices of an earlier daemon.
    private func adopt(_ datapath: KernelDatapath) -> FlowAdoption {
        let adoption = FlowAdoption(of: datapath, counters: counters, logger: logger)
        for _ in adoption.flows { admission.adopt() }
        if !adoption.flows.isEmpty || adoption.removed > 0 {
            logger.info(
                "flows adopted",
                metadata: [
                    "flows": "\(adoption.flows.count)", "rows_removed": "\(adoption.removed)",
                ])
        }
        return adoption
    }

    private func attach(_ datapath: KernelDatapath, _ promises: ListenerPromises) throws {
        // Those of an earlier run, of interfaces that went since.
        for (index, _) in KernelDatapath.attachedInterfaces(datapath.pins)
        where NetworkInterface(index: index) == nil {
            datapath.detach(from: index)
        }
        try routing.giveSources(to: datapath)
        routing.giveEndpoints(to: datapath, logger)
        let plain = PlainTables(datapath, admission, logger)
        self.plain = plain
        plain.use(routing.snapshot)
        if configuration.hasPlainListeners { try plain.start() }
        let promised = plan.promises(routing)
        for (address, promise) in promised { try promises.listen(on: address, promise) }
        // Plain ones of an earlier daemon, served until now.
        datapath.stopListening(besides: promised.keys)
        for interface in plan.interfaces {
            let mode = Self.mode(configuration, interface)
            do {
                try datapath.attach(to: interface.index, link: interface.link, mode: mode)
            } catch {
                throw failure("cannot attach to \(interface.name): \(error)")
            }
            logger.info(
                "attached",
                metadata: [
                    "interface": "\(interface.name)", "index": "\(interface.index)",
                    "by": "\(mode.rawValue)",
                ])
            interface.warnOfOffloads(logger)
        }
    }

    /// From here on interfaces, addresses and routes may change.
    private func follow() throws {
        let interfaces = datapath.map { datapath in
            FollowedInterfaces(
                datapath, logger,
                zip(plan.selectors, plan.interfaces).map { selector, interface in
                    (selector, interface, Self.mode(configuration, interface))
                })
        }
        let ways = FollowedWays(
            routing, plan, relay: relay, bridge: bridge, workers: workers, promises: promises,
            plain: plain, logger: logger)
        let follower = try NetworkFollower(interfaces, ways, logger)
        self.follower = follower
        try follower.start()
    }

    /// Serves until a signal says to stop; SIGHUP has `source` read again.
    func serve(_ source: ConfigurationSource, keepFlows: Bool) throws {
        do {
            try names.start(logger)
        } catch {
            logger.error("cannot follow names of endpoints", metadata: ["error": "\(error)"])
        }
        let reloads = ReloadDesk()
        let control = control(reloads)
        var files = follow(source, insteadOf: nil)
        logger.info(
            "ready",
            metadata: [
                "listeners": "\(plan.sockets.map { "\($0.address)" }.joined(separator: ","))",
                "instance": "\(configuration.instance)",
            ])
        serving: while true {
            switch DaemonSignal.wait(timeout: .seconds(3600)) {
            case .stop(let signal):
                logger.info("stopping", metadata: ["signal": "\(signal)"])
                break serving
            case .reload:
                // Who asks from here on wants what is there then.
                let askers = reloads.takeAskers()
                let error = reload(source)
                log?.reopen()
                for tell in askers { tell(error) }
                files = follow(source, insteadOf: files)
            case .look: followNames()
            case nil: break
            }
        }
        files?.stop()
        names.stop()
        reloads.close()
        control?.stop()
        stop(keepFlows: keepFlows)
        logger.info("stopped")
    }

    /// Verbs of the command line that want something of us; without a socket we serve all the same.
    private func control(_ reloads: ReloadDesk) -> ControlServer? {
        let desk = EndpointDesk(routing, sweeper, datapath, relay, healthNews, logger)
        self.desk = desk
        do {
            return try ControlServer(instance: configuration.instance, desk, logger) {
                reloads.reload()
            }
        } catch {
            logger.warning(
                "no control socket: endpoints, set, drain and reload are not answered",
                metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Follows what was just read, by the links and directories of today.
    private func follow(_ source: ConfigurationSource, insteadOf old: FileFollower?)
        -> FileFollower?
    {
        // What it has seen and not told yet, the next one notices.
        old?.stop()
        let files = source.watched + namedFiles
        if files.isEmpty { return nil }
        do {
            return try FileFollower(files, logger)
        } catch {
            logger.error(
                "cannot follow files: SIGHUP and sluice reload still work",
                metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func stop(keepFlows: Bool) {
        follower?.stop()
        monitor?.stop()
        // Workers first: what they hand over in their last round is still reset by the relay.
        heartbeat?.stop()
        plain?.stop()
        datapath?.detachHandshakes()
        CrashPoint.reach(.handshakesDetached)
        for worker in workers { worker.stop() }
        sweeper?.stop()
        CrashPoint.reach(.workersStopped)
        relay.stop()
        log?.stop()
        CrashPoint.reach(.relayStopped)
        if keepFlows { datapath?.clearDaemonState() } else { datapath?.unload() }
    }
}
