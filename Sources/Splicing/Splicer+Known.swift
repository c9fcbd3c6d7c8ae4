// SPDX-License-Identifier: Apache-2.0

internal import Balancing
public import Datapath
internal import KernelSockets
internal import TLSClassifier
internal import WireTypes

/// Known names: what the datapath does by itself, and how the worker hears of it.
extension Splicer where Kernel: ~Copyable {
    /// Whether the datapath takes clients to endpoints by itself.
    public var knowsNames: Bool { !known.learned.isEmpty }

    /// Whether it may have done so just now: names may be forgotten while packets are on their way.
    public var mayHaveOpened: Bool { known.hasSlots }

    /// The client's endpoint is asked. With the next ones of its name the datapath will do so.
    mutating func learn(_ client: PendingClient, _ cluster: ClusterState, now: UInt64) {
        guard settings.learnsNames, let text = client.serverName, isUsual(client, cluster),
            known.isSeenAgain(text), let place = client.cluster, let endpoint = client.endpoint
        else { return }
        let name = KnownRoutes.Name(
            text: text, listener: client.note.listener,
            isIPv4: client.client.source.address.isIPv4)
        let learned = known.learned[name]
        if let learned, now < learned + KnownRoutes.relearnInterval { return }
        if learned == nil, known.learned.count >= KnownNames.limit {
            // Names that strangers made up, perhaps: those that matter will come again.
            guard now >= known.forgetsFrom else { return }
            known.forgetsFrom = now + KnownRoutes.forgetInterval
            forgetNames(now: now)
        }
        guard let slot = slot(for: client.target, now: now) else { return }
        if known.learned.isEmpty {
            known.lessons = routes.lessons.version
            known.nameIDs = names.generation
        }
        if known.health[place] == nil { known.health[place] = cluster.picker.version }
        known.learned[name] = now
        kernel.learn(
            text, listener: name.listener, isIPv4: name.isIPv4,
            KnownRoute(
                slot: slot, cluster: cluster.id, endpoint: UInt16(endpoint),
                segmentSize: segmentSize(to: client.target), serverName: names.id(of: text)))
    }

    /// Whether all clients of its name go the same way, and this one as they usually do.
    private func isUsual(_ client: PendingClient, _ cluster: ClusterState) -> Bool {
        let listener = listener(client.note.listener)
        return cluster.targets.count == 1 && !cluster.isTransparent
            && cluster.proxyProtocol == .off && routes.limits == nil
            && client.attempts == 1 && client.challenges == 0 && !client.isRerouted
            && listener.asksNameAlone && listener.helloLimit >= KnownNames.helloLimit
            && !routes.lessons.refusesTimestamps(client.target)
            && (client.serverName?.text.utf8.count ?? .max) <= KnownNames.nameLimit
    }

    /// The target's slot; nil: all are in use.
    private mutating func slot(for target: Int, now: UInt64) -> Int? {
        guard let source = routes.targets[target].sources.first,
            let (place, isNew) = known.take(target, source)
        else { return nil }
        if isNew { kernel.use(slot: place, for: routes.targets[target].address, from: source) }
        layPorts(now: now)
        return place
    }

    /// Lays out ports in place of those that were taken.
    mutating func layPorts(now: UInt64) {
        known.hasOpened = false
        // So that what is opened meanwhile has room in the table.
        let room = max(0, admission.limit - admission.current)
        let share = room / (4 * settings.workers * max(known.used, 1))
        for place in known.slots.indices { layPorts(place, atMost: share, now: now) }
    }

    /// As many as are taken between two looks, fewer where the table is filling up.
    private mutating func layPorts(_ place: Int, atMost share: Int, now: UInt64) {
        guard let slot = known.slots[place], slot.unusedSince == nil, slot.restsUntil <= now
        else { return }
        let left = kernel.portsLeft(slot: place)
        let isUsedUp = left == 0 && slot.laid > 0
        let goal = isUsedUp ? min(slot.goal * 4, KnownNames.ports) : slot.goal
        let count = min(goal, share)
        if left > count { return takeBack(left - count, of: slot, place) }
        var ports: [UInt16] = []
        var restsUntil = slot.restsUntil
        while left + ports.count < count {
            guard let port = pools[slot.target].take() else { break }
            guard port.address == slot.source, admission.promise() else {
                pools[slot.target].giveBack(port)
                restsUntil = now + KnownRoutes.rest
                break
            }
            kernel.lay(port.port, slot: place)
            ports.append(port.port)
        }
        known.with(place) { slot in
            slot.goal = goal
            slot.laid = left + ports.count
            slot.restsUntil = restsUntil
            slot.ports.formUnion(ports)
        }
    }

    private mutating func takeBack(_ count: Int, of slot: KnownRoutes.Slot, _ place: Int) {
        for _ in 0..<count {
            guard let port = takeLaidPort(place, slot) else { return }
            pools[slot.target].giveBack(port)
        }
    }

    /// Frees a place in the table that the datapath was promised. False: there is none of this worker's.
    mutating func takeBackPlace() -> Bool {
        for place in known.slots.indices {
            guard let slot = known.slots[place], let port = takeLaidPort(place, slot) else {
                continue
            }
            pools[slot.target].giveBack(port)
            return true
        }
        return false
    }

    private mutating func takeLaidPort(
        _ place: Int, _ slot: KnownRoutes.Slot
    ) -> TransportAddress? {
        guard let port = kernel.takeLaidPort(slot: place) else { return nil }
        let address = TransportAddress(slot.source, port)
        known.heard(address, slot.target)
        admission.withdrawPromise()
        return address
    }

    /// One that was laid out for the datapath, where the worker has none left.
    mutating func takeLaidPort(towards target: Int) -> TransportAddress? {
        for place in known.slots.indices {
            guard let slot = known.slots[place], slot.target == target,
                let port = takeLaidPort(place, slot)
            else { continue }
            return port
        }
        return nil
    }

    /// From now on the worker looks at each hello again.
    mutating func forgetNames(now: UInt64) {
        guard knowsNames else { return }
        known.forget(now: now)
        kernel.forgetNames()
        for target in Set(known.slots.compactMap { $0?.target }) {
            while let port = takeLaidPort(towards: target) { pools[target].giveBack(port) }
        }
    }

    /// Forgets names when their endpoints' health changed, or what is known of them.
    mutating func tickKnown(now: UInt64) {
        guard mayHaveOpened else { return }
        if !isCurrent { forgetNames(now: now) }
        known.freeUnused(now: now)
        layPorts(now: now)
    }

    private var isCurrent: Bool {
        !kernel.hidesNames && known.lessons == routes.lessons.version
            && known.nameIDs == names.generation
            && known.health.allSatisfy {
                routes.clusters[$0.key].picker.states.version == $0.value
            }
    }

    /// The datapath took a client to its endpoint.
    public mutating func receive(_ record: OpenedRecord, now: UInt64) {
        let source = record.upstream.source
        guard let target = targetIndex[record.upstream.destination] else { return }
        let wasLaid = known.heard(source, target)
        known.hasOpened = true
        guard record.createdNanoseconds > 0 else {
            if wasLaid {
                pools[target].giveBack(source)
                admission.withdrawPromise()
            }
            return
        }
        if wasLaid {
            admission.keepPromise()
        } else {
            // The datapath of an earlier daemon opened it.
            pools[target].reserve(source)
            admission.adopt()
        }
        routes.loads[target].open()
        counters.increment(.classified)
        if let client = pending[record.client] {
            if client.note.createdNanoseconds > record.note.createdNanoseconds {
                // It has gone on to another connection since, and nobody tells of the end of one
                // that did not stand.
                reset.append(
                    LingerQueue.Item(
                        source: source, target: target,
                        createdNanoseconds: record.createdNanoseconds, since: now))
                return
            }
            abandon(client, now: now)
        }
        pending[record.client] = opened(record, target, now: now)
    }

    /// The client as if its endpoint had been asked here. Where its hello was overwritten, it must
    /// repeat that anyway.
    private mutating func opened(
        _ record: OpenedRecord, _ target: Int, now: UInt64
    ) -> PendingClient {
        let listener = listener(record.note.listener)
        let client = newClient(record.client, record.note, limit: listener.helloLimit, now: now)
        noteBegin(of: client)
        if let hello = kernel.stored(record.template, count: Int(record.template.length)) {
            let start = client.assembly.start
            _ = client.assembly.add(hello.span, at: start, limit: hello.count)
            if case .hello(let whole) = client.reader.read(hello.span) {
                client.serverName = whole.serverName
                noteHello(
                    of: client, .hello(whole), listener, now: record.createdNanoseconds)
            }
        }
        client.timestamp = record.clientTimestamp
        client.timestampEcho = record.clientTimestampEcho
        client.window = record.clientWindow
        client.splice = Splice(record, worker: settings.worker)
        client.isOpened = true
        client.attempts = 1
        client.target = target
        client.lastSYN = record.createdNanoseconds
        client.cluster = routes.place(ofCluster: record.cluster)
        var patience = Duration.seconds(5)
        if let place = client.cluster {
            let cluster = routes.clusters[place]
            patience = cluster.connectTimeout
            client.endpoint = cluster.targets.firstIndex(of: target)
        }
        if let endpoint = client.endpoint { client.tried.insert(endpoint) }
        client.deadline = record.createdNanoseconds + patience.nanoseconds
        return client
    }
}

extension Splice {
    /// As the datapath programmed it.
    fileprivate init(_ record: OpenedRecord, worker: Int) {
        self.init(
            client: record.client, upstream: record.upstream, note: record.note, isn: record.isn)
        clientTimestamp = record.clientTimestamp
        clientWindow = record.clientWindow
        self.worker = UInt16(worker)
        cluster = record.cluster
        endpoint = record.endpoint
        createdNanoseconds = record.createdNanoseconds
        template = record.template
    }
}
