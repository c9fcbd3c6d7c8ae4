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
    private var routing: Routing
    private let relay: Relay
    private let bridge: RelayBridge
    private let workers: [SpliceWorker]
    private let promises: ListenerPromises?
    private let plain: PlainTables?
    private let logger: Logger

    private var targets: [Target]
    private var segmentSize: Int
    private var promised: [TransportAddress: ListenerPromise]
    /// The ids of their listeners.
    private var sockets: [TransportAddress: UInt16]

    /// As the daemon started with them.
    init(
        _ routing: Routing, _ plan: Plan, relay: Relay, bridge: RelayBridge,
        workers: [SpliceWorker], promises: ListenerPromises?, plain: PlainTables?,
        logger: Logger
    ) {
        self.routing = routing
        self.relay = relay
        self.bridge = bridge
        self.workers = workers
        self.promises = promises
        self.plain = plain
        self.logger = logger
        targets = routing.snapshot.targets
        segmentSize = plan.segmentSize
        promised = plan.promises(routing)
        sockets = plan.socketListeners(routing.listenerIDs)
    }

    /// Whether what `plan` listens on can be had; nothing is changed by it.
    func check(_ plan: Plan) throws {
        // A port of ours is free for another address of it once its socket is closed.
        let ports = Set(sockets.keys.map(\.port))
        for (address, _) in plan.sockets
        where sockets[address] == nil && !ports.contains(address.port) {
            do {
                try ListeningSocket.check(address)
            } catch {
                throw Refusal("cannot listen on \(address): \(error)")
            }
        }
    }

    /// Goes by another configuration, which the workers know already.
    mutating func use(_ routing: Routing) {
        self.routing = routing
        targets = routing.snapshot.targets
    }

    /// Looks at everything anew; `interfaces` are those that are attached.
    mutating func look(_ interfaces: [NetworkInterface], selectors: [InterfaceSelector]) {
        let plan = Plan(routing.configuration, interfaces, selectors: selectors)
        bridge.lookAtHostAddresses()
        listen(plan)
        let found = sluice.targets(
            targets.map(\.address), routing.configuration.source, attached: interfaces)
        follow(found, plan.segmentSize)
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
        plain?.follow(targets)
        guard !changed.isEmpty else { return }
        logger.notice(
            "ways to endpoints changed",
            metadata: [
                "changed": "\(changed.count)", "endpoints": "\(list(changed.map(\.way)))",
            ])
    }

    private mutating func listen(_ plan: Plan) {
        listenBySockets(plan)
        let wanted = promises == nil ? [:] : plan.promises(routing)
        let gone = promised.keys.filter { wanted[$0] == nil }
        for address in gone { promises?.stopListening(on: address) }
        var added: [TransportAddress] = []
        for address in gone { promised[address] = nil }
        for (address, promise) in wanted where promised[address] != promise {
            do {
                try promises?.listen(on: address, promise)
                if promised[address] == nil { added.append(address) }
                promised[address] = promise
            } catch {
                logger.warning(
                    "cannot listen", metadata: ["address": "\(address)", "error": "\(error)"])
            }
        }
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
        let wanted = plan.socketListeners(routing.listenerIDs)
        for address in sockets.keys where wanted[address] == nil {
            relay.stopListening(on: address)
            sockets[address] = nil
        }
        for (address, listener) in wanted where sockets[address] != listener {
            do {
                if sockets[address] != nil {
                    relay.assign(address, to: listener)
                } else {
                    // An IPv6 address is not usable until its duplicate detection is over.
                    try relay.listen(on: address, listener: listener, freeBind: true)
                }
                sockets[address] = listener
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
    /// What is promised where.
    func promises(_ routing: Routing) -> [TransportAddress: ListenerPromise] {
        Dictionary(
            addresses.map { address, listener in
                let id = routing.listenerIDs[listener]
                var promise = ListenerPromise(listener: id, mss: mss(for: address.address))
                promise.sources = routing.sources.numbers(ofListener: id)
                return (address, promise)
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Whose ordinary sockets are where, by the ids of the listeners.
    func socketListeners(_ listeners: [UInt16]) -> [TransportAddress: UInt16] {
        Dictionary(
            sockets.map { ($0.address, listeners[$0.listener]) },
            uniquingKeysWith: { first, _ in first })
    }
}

extension Target {
    fileprivate var isOutOfReach: Bool { sources.isEmpty && obstacle == .noRoute }

    fileprivate var way: String {
        if let obstacle { return "\(address) relayed: \(obstacle.rawValue)" }
        return "\(address) from " + sources.map { "\($0)" }.joined(separator: " ")
    }
}
