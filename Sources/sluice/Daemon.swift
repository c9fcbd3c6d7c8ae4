// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Balancing
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
    private let configuration: Configuration
    private let plan: Plan
    let logger: Logger
    private var datapath: KernelDatapath?
    private var lock: InstanceLock?
    /// What another version left, until it is ours.
    var migration: LayoutMigration?
    private let relay: Relay
    private var workers: [SpliceWorker] = []
    private var sweeper: FlowSweeper?
    private var promises: ListenerPromises?
    private var follower: NetworkFollower?
    private var monitor: HealthMonitor?
    private let counters: SplicerCounters
    private let admission: FlowAdmission

    /// Loads, attaches and listens. On error nothing new is left attached or pinned.
    init(_ configuration: Configuration, _ plan: Plan, _ logger: Logger) throws {
        self.configuration = configuration
        self.plan = plan
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
            let attached = loaded == nil ? [] : plan.interfaces
            let routes = try Self.routes(configuration, loaded, attached, counters)
            let names = Self.names(loaded)
            let bridge = RelayBridge(
                datapath: loaded, routes: routes, names: names, counters: counters,
                gates: SourceGates(
                    configuration, listenerIDs: try Self.listenerIDs(configuration, loaded)),
                logger: logger)
            relay = try Self.relay(configuration, bridge, logger)
            bridge.use(relay)
            try eachSocket { address, _ in try ListeningSocket.check(address) }
            // Who waits for a first check must not serve before it.
            if loaded == nil { try watchHealth(routes) }
            if let loaded { try splice(loaded, routes, bridge, names) }
            // Not before: the stack would take a remote client's SYN, and the handshake program
            // the segments after it, of which it knows nothing.
            try listen()
            try follow(routes, bridge)
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
        options.sourcePorts = configuration.source.ports
        options.sources = configuration.sourceRooms
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

    private static func mode(_ configuration: Configuration, _ interface: NetworkInterface)
        -> AttachMode
    {
        switch configuration.attach {
        case .auto: KernelDatapath.preferredMode(for: interface.index)
        case .tcx: .tcx
        case .clsact: .clsact
        }
    }

    private static func routes(
        _ configuration: Configuration, _ datapath: KernelDatapath?,
        _ attached: [NetworkInterface], _ counters: SplicerCounters
    ) throws -> RoutingSnapshot {
        // Ids outlive this configuration: flows of an earlier one carry them.
        let listeners = try listenerIDs(configuration, datapath)
        let clusters = try configuration.clusters.enumerated().map { index, cluster in
            try datapath?.id(of: cluster.name, .cluster) ?? UInt16(index)
        }
        return snapshot(
            configuration, targets: targets(configuration, attached: attached),
            listenerIDs: listeners, clusterIDs: clusters, datapath: datapath, counters: counters)
    }

    private static func names(_ datapath: KernelDatapath?) -> ServerNameTable {
        ServerNameTable(known: datapath?.storedServerNames() ?? []) { name, id in
            (try? datapath?.setServerName(name, id: id)) != nil
        } forget: { id in
            datapath?.removeServerName(id)
        }
    }

    private static func relay(
        _ configuration: Configuration, _ bridge: RelayBridge, _ logger: Logger
    ) throws -> Relay {
        var limits = RelayLimits()
        limits.helloTimeout = configuration.listeners.map(\.hello.timeout).max() ?? .seconds(10)
        limits.helloSize = configuration.listeners.map(\.hello.maxSize).max() ?? 16384
        limits.halfClassified = configuration.limits.halfClassified
        limits.idleTimeout = configuration.limits.idleTimeout
        return try Relay(policy: bridge, observer: bridge, limits: limits, logger: logger)
    }

    /// Ordinary sockets, for clients on this host and when BPF is not permitted.
    private func listen() throws {
        let ids = try listenerIDs
        try eachSocket { address, listener in
            try relay.listen(on: address, listener: ids[listener])
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

    private var listenerIDs: [UInt16] {
        get throws { try Self.listenerIDs(configuration, datapath) }
    }

    private static func listenerIDs(
        _ configuration: Configuration, _ datapath: KernelDatapath?
    ) throws -> [UInt16] {
        try configuration.listeners.enumerated().map { index, listener in
            try datapath?.id(of: listener.name, .listener) ?? UInt16(index)
        }
    }

    private func splice(
        _ datapath: KernelDatapath, _ routes: RoutingSnapshot, _ bridge: RelayBridge,
        _ names: ServerNameTable
    ) throws {
        if !KernelDatapath.allowRouteLookups() {
            logger.warning(
                "cannot switch on net.ipv*.conf.lo.forwarding: packets go back the way they came")
        }
        try takeOver(datapath)
        let adoption = adopt(datapath)
        CrashPoint.reach(.flowsAdopted)
        var settings = SplicerSettings()
        settings.workers = datapath.options.workers
        settings.isSplicing = configuration.isSplicing
        settings.ports = configuration.source.ports
        settings.segmentSize = plan.segmentSize
        settings.closedLinger = configuration.limits.closedLinger
        settings.halfClassified = max(configuration.limits.halfClassified / settings.workers, 1)
        settings.sequenceKey = try datapath.initialSequenceSecret()
        workers = try (0..<settings.workers).map { try SpliceWorker(index: $0) }
        let promises = ListenerPromises(datapath, routes)
        self.promises = promises
        let sweeper = try sweeper(datapath, routes, bridge, names, promises)
        self.sweeper = sweeper
        try watchHealth(routes)
        for (index, worker) in workers.enumerated() {
            settings.worker = index
            let parts = WorkerParts(
                datapath: datapath, routes: routes, settings: settings, fallback: bridge,
                admission: admission, counters: counters, names: names, adopted: adoption.flows,
                logger: logger
            ) { [logger] error in
                // Flows go on without us, and whoever supervises us starts the next daemon.
                logger.critical("a worker cannot go on", metadata: ["error": "\(error)"])
                exit(1)
            }
            try worker.start(parts, peers: workers, sweeper: sweeper)
        }
        try sweeper.start()
        CrashPoint.reach(.workersStarted)
        if datapath.options.needsHeartbeat { beat(datapath) }
        try attach(datapath, promises)
        adoption.giveUpConnecting(workers)
    }

    private func sweeper(
        _ datapath: KernelDatapath, _ routes: RoutingSnapshot, _ bridge: RelayBridge,
        _ names: ServerNameTable, _ promises: ListenerPromises
    ) throws -> FlowSweeper {
        var limits = FlowSweeper.Limits(idle: configuration.limits.idleTimeout)
        let slowest = configuration.clusters.map(\.connectTimeout).max() ?? .seconds(1)
        limits.forgotten = max(
            limits.forgotten, slowest * 3, configuration.limits.closedLinger * 2)
        limits.probesIdle = configuration.limits.idleProbe
        limits.countsKeepalives = configuration.limits.countsKeepalives
        limits.lifetime = configuration.limits.maxLifetime
        return try FlowSweeper(
            datapath: datapath, routes: routes, limits: limits, workers: workers, names: names,
            fallback: bridge, counters: counters, promises: promises, logger: logger)
    }

    /// Begins to check endpoints, and to hear what their connections say.
    private func watchHealth(_ routes: RoutingSnapshot) throws {
        let report = HealthReport(configuration.clusters, routes, sweeper, relay, logger)
        let monitor = try HealthMonitor(
            monitoredClusters(configuration, routes), signals: routes.signals, observer: report)
        self.monitor = monitor
        try monitor.start()
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
        try configuration.giveSources(to: datapath)
        let ids = try listenerIDs
        for (address, listener) in plan.addresses {
            try promises.listen(
                on: address,
                plan.promise(at: address.address, listener: listener, id: ids[listener]))
        }
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
        }
    }

    /// From here on interfaces, addresses and routes may change.
    private func follow(_ routes: RoutingSnapshot, _ bridge: RelayBridge) throws {
        let interfaces = datapath.map { datapath in
            FollowedInterfaces(
                datapath, logger,
                zip(plan.selectors, plan.interfaces).map { selector, interface in
                    (selector, interface, Self.mode(configuration, interface))
                })
        }
        let ways = FollowedWays(
            configuration: configuration, plan: plan, targets: routes.targets,
            listeners: try listenerIDs, relay: relay, bridge: bridge, workers: workers,
            promises: promises, logger: logger)
        let follower = try NetworkFollower(interfaces, ways, logger)
        self.follower = follower
        try follower.start()
    }

    private func beat(_ datapath: KernelDatapath) {
        datapath.heartbeat(until: MonotonicClock.nanoseconds + 1_000_000_000)
    }

    /// Serves until a signal comes, then stops.
    func serve(keepFlows: Bool) throws {
        logger.info(
            "ready",
            metadata: [
                "listeners": "\(plan.sockets.map { "\($0.address)" }.joined(separator: ","))",
                "instance": "\(configuration.instance)",
            ])
        let pause: Duration =
            datapath?.options.needsHeartbeat == true ? .milliseconds(250) : .seconds(3600)
        while true {
            if let signal = TerminationSignals.wait(timeout: pause) {
                logger.info("stopping", metadata: ["signal": "\(signal)"])
                break
            }
            if let datapath, datapath.options.needsHeartbeat { beat(datapath) }
        }
        stop(keepFlows: keepFlows)
        logger.info("stopped")
    }

    private func stop(keepFlows: Bool) {
        follower?.stop()
        monitor?.stop()
        // Workers first: what they hand over in their last round is still reset by the relay.
        datapath?.detachHandshakes()
        CrashPoint.reach(.handshakesDetached)
        for worker in workers { worker.stop() }
        sweeper?.stop()
        CrashPoint.reach(.workersStopped)
        relay.stop()
        CrashPoint.reach(.relayStopped)
        if keepFlows { datapath?.clearDaemonState() } else { datapath?.unload() }
    }
}
