// SPDX-License-Identifier: Apache-2.0

import Datapath
import KernelSockets
import Logging
import Relaying
import Settings
import Splicing
import WireTypes

/// What the host's addresses and routes come to: where clients are listened to, and from where
/// endpoints are spoken to. Whatever changes is told to those who go by it.
struct FollowedWays: Sendable {
    private let configuration: Configuration
    /// Ids of the listeners, in the order of the configuration.
    private let listeners: [UInt16]
    private let relay: Relay
    private let bridge: RelayBridge
    private let workers: [SpliceWorker]
    private let promises: ListenerPromises?
    private let logger: Logger

    private var targets: [Target]
    private var segmentSize: Int
    private var promised: [TransportAddress: ListenerPromise]
    private var sockets: Set<TransportAddress>

    /// As the daemon started with them.
    init(
        configuration: Configuration, plan: Plan, targets: [Target], listeners: [UInt16],
        relay: Relay, bridge: RelayBridge, workers: [SpliceWorker], promises: ListenerPromises?,
        logger: Logger
    ) {
        self.configuration = configuration
        self.listeners = listeners
        self.relay = relay
        self.bridge = bridge
        self.workers = workers
        self.promises = promises
        self.logger = logger
        self.targets = targets
        segmentSize = plan.segmentSize
        promised = plan.promises(listeners)
        sockets = Set(plan.sockets.map(\.address))
    }

    /// Looks at everything anew; `interfaces` are those that are attached.
    mutating func look(_ interfaces: [NetworkInterface], selectors: [InterfaceSelector]) {
        let plan = Plan(configuration, interfaces, selectors: selectors)
        bridge.lookAtHostAddresses()
        listen(plan)
        follow(sluice.targets(configuration, attached: interfaces), plan.segmentSize)
    }

    private mutating func follow(_ found: [Target], _ newSegmentSize: Int) {
        // Without a route nothing is known that would be better: a client's repeated hello finds
        // the way again, if it comes back in time, else the next endpoint.
        let found = zip(found, targets).map { $0.isOutOfReach ? $1 : $0 }
        let changed = zip(found, targets).filter { $0 != $1 }.map(\.0)
        guard !changed.isEmpty || newSegmentSize != segmentSize else { return }
        targets = found
        segmentSize = newSegmentSize
        for worker in workers { worker.deliver(.ways(targets, segmentSize: segmentSize)) }
        guard !changed.isEmpty else { return }
        logger.notice(
            "ways to endpoints changed",
            metadata: [
                "changed": "\(changed.count)", "endpoints": "\(list(changed.map(\.way)))",
            ])
    }

    private mutating func listen(_ plan: Plan) {
        listenBySockets(plan)
        let wanted = promises == nil ? [:] : plan.promises(listeners)
        let gone = promised.keys.filter { wanted[$0] == nil }
        for address in gone { promises?.stopListening(on: address) }
        var added: [TransportAddress] = []
        for (address, promise) in wanted where promised[address] != promise {
            do {
                try promises?.listen(on: address, promise)
                if promised[address] == nil { added.append(address) }
            } catch {
                logger.warning(
                    "cannot listen", metadata: ["address": "\(address)", "error": "\(error)"])
            }
        }
        promised = wanted
        guard !added.isEmpty || !gone.isEmpty else { return }
        logger.notice(
            "listening addresses changed",
            metadata: [
                "added": "\(list(added.map { "\($0)" }))",
                "removed": "\(list(gone.map { "\($0)" }))",
            ])
    }

    /// A wildcard beside a specific address is a socket for each of the host's other addresses.
    private mutating func listenBySockets(_ plan: Plan) {
        let wanted = Set(plan.sockets.map(\.address))
        for address in sockets.subtracting(wanted) { relay.stopListening(on: address) }
        sockets.formIntersection(wanted)
        for (address, listener) in plan.sockets where !sockets.contains(address) {
            do {
                // An IPv6 address is not usable until its duplicate detection is over.
                try relay.listen(on: address, listener: listeners[listener], freeBind: true)
                sockets.insert(address)
            } catch {
                logger.warning(
                    "cannot listen", metadata: ["address": "\(address)", "error": "\(error)"])
            }
        }
    }

    /// A few of them, and how many more there are.
    private func list(_ words: [String]) -> String {
        let shown = words.sorted().prefix(3).joined(separator: ",")
        return words.count > 3 ? "\(shown),and \(words.count - 3) more" : shown
    }
}

extension Plan {
    /// What is promised where, by the ids of the listeners.
    func promises(_ listeners: [UInt16]) -> [TransportAddress: ListenerPromise] {
        Dictionary(
            addresses.map { address, listener in
                let promise = promise(
                    at: address.address, listener: listener, id: listeners[listener])
                return (address, promise)
            }, uniquingKeysWith: { first, _ in first })
    }
}

extension Target {
    fileprivate var isOutOfReach: Bool { sources.isEmpty && obstacle == .noRoute }

    fileprivate var way: String {
        if let obstacle { return "\(address) relayed: \(obstacle.rawValue)" }
        return "\(address) from " + sources.map { "\($0)" }.joined(separator: " ")
    }
}
