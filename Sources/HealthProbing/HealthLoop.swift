// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import HealthChecking
internal import KernelSockets
internal import Synchronization

/// The monitor's thread: everything here runs on it, so nothing is locked.
final class HealthLoop {
    /// An endpoint by the places of its cluster and in it.
    private struct Place: Hashable {
        var cluster: Int
        var endpoint: Int
    }

    private let clusters: [MonitoredCluster]
    private let signals: HealthSignals
    private let observer: any HealthObserver
    private let channel: HealthChannel
    private let runner: ProbeRunner
    /// Of the clusters, in their order.
    private(set) var watches: [ClusterWatch]
    /// Who is at an address.
    private var places: [Int: [Place]] = [:]
    private var queue = WakeQueue()
    /// The time under which each stands in the queue.
    private var queued: [Place: UInt64] = [:]
    private var probing: [UInt64: Place] = [:]
    private var nextToken: UInt64 = 1
    /// When it may be told again that a cluster is empty.
    private var silentUntil: [Int: UInt64] = [:]
    private var random = SystemRandomNumberGenerator()

    init(
        _ clusters: [MonitoredCluster], _ watches: [ClusterWatch], _ signals: HealthSignals,
        _ observer: any HealthObserver, _ channel: HealthChannel
    ) {
        self.clusters = clusters
        self.watches = watches
        self.signals = signals
        self.observer = observer
        self.channel = channel
        runner = ProbeRunner(channel)
        for (index, cluster) in clusters.enumerated() {
            for (endpoint, target) in cluster.targets.enumerated() {
                let place = Place(cluster: index, endpoint: endpoint)
                places[target, default: []].append(place)
                enqueue(place)
            }
        }
    }

    func run() {
        while !channel.isStopping.load(ordering: .acquiring) {
            let next = [queue.next, silentUntil.values.min()].compactMap(\.self).min()
            // Only a bug of ours (a closed descriptor) can bring an error about.
            guard (try? runner.wait(until: next)) != nil else { return }
            let now = MonotonicClock.nanoseconds
            for signal in signals.takeAll() { hear(signal, now: now) }
            for (token, result) in runner.takeFinished(now: now) { finish(token, result, now: now) }
            wakeUp(now: now)
            tellEmpty(now: now)
        }
    }

    private func hear(_ signal: HealthSignals.Signal, now: UInt64) {
        switch signal {
        case .connectFailed(let target, let failure):
            forEach(target, now: now) { watch, endpoint in
                watch.connectFailed(endpoint, error: failure.description, now: now)
            }
        case .connected(let target):
            forEach(target, now: now) { watch, endpoint in
                watch.connected(endpoint)
                return nil
            }
        case .resetBurst(let target):
            forEach(target, now: now) { watch, endpoint in
                watch.suspect(
                    endpoint, .resetBurst,
                    error: "reset \(HealthSignals.burst) connections within a second", now: now)
            }
        case .silence(let target, let flows):
            forEach(target, now: now) { watch, endpoint in
                watch.suspect(
                    endpoint, .silence, error: "does not answer \(flows) connections", now: now)
            }
        case .empty(let cluster):
            if silentUntil[cluster] == nil { silentUntil[cluster] = now }
        }
    }

    private func forEach(
        _ target: Int, now: UInt64,
        _ body: (inout ClusterWatch, Int) -> HealthTransition?
    ) {
        for place in places[target] ?? [] {
            let transition = body(&watches[place.cluster], place.endpoint)
            apply(transition, place, now: now)
        }
    }

    private func wakeUp(now: UInt64) {
        while let entry = queue.take(until: now) {
            let place = Place(cluster: entry.cluster, endpoint: entry.endpoint)
            // An older entry; the one that counts is still there.
            guard queued[place] == entry.time else { continue }
            queued[place] = nil
            let (transition, begins) = watches[place.cluster].wakeUp(place.endpoint, now: now)
            if begins { probe(place, now: now) }
            apply(transition, place, now: now)
        }
    }

    private func probe(_ place: Place, now: UInt64) {
        let cluster = clusters[place.cluster]
        guard let check = cluster.check else { return }
        let token = nextToken
        nextToken += 1
        probing[token] = place
        let address = cluster.endpoints[place.endpoint]
        let conversation = ProbeConversation(
            check, serverName: cluster.serverName, address: address,
            proxyProtocol: cluster.proxyProtocol, random: &random)
        runner.begin(token, to: address, conversation, timeout: check.timeout, now: now)
    }

    private func finish(_ token: UInt64, _ result: ProbeResult, now: UInt64) {
        guard let place = probing.removeValue(forKey: token) else { return }
        let endpoint = place.endpoint
        var transition: HealthTransition?
        switch result {
        case .good:
            transition = watches[place.cluster].finishCheck(
                of: endpoint, error: nil, now: now, random: &random)
        case .bad(let reason):
            transition = watches[place.cluster].finishCheck(
                of: endpoint, error: reason, now: now, random: &random)
        case .skipped:
            watches[place.cluster].skipCheck(of: endpoint, now: now, random: &random)
        }
        apply(transition, place, now: now)
    }

    /// After each event of an endpoint.
    private func apply(_ transition: HealthTransition?, _ place: Place, now: UInt64) {
        enqueue(place)
        guard let transition else { return }
        clusters[place.cluster].states.set(
            health: transition.after, of: place.endpoint, now: now)
        observer.didChange(transition, cluster: place.cluster)
    }

    private func enqueue(_ place: Place) {
        guard let wake = watches[place.cluster].wake(of: place.endpoint), queued[place] != wake
        else { return }
        queued[place] = wake
        queue.insert(.init(time: wake, cluster: place.cluster, endpoint: place.endpoint))
    }

    private func tellEmpty(now: UInt64) {
        for (cluster, time) in silentUntil where time <= now {
            let clients = signals.takeEmpty(cluster: cluster)
            silentUntil[cluster] = clients > 0 ? now + 1_000_000_000 : nil
            if clients > 0 { observer.didFindEmpty(cluster: cluster, clients: clients) }
        }
    }
}
