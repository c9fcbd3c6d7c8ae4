// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import ConnectionLogging
internal import CrashPoints
public import Datapath
internal import HealthChecking
public import WireTypes

extension Splicer where Kernel: ~Copyable {
    /// Something happened to a flow.
    public mutating func handle(_ event: FlowRecord, now: UInt64) {
        switch event.kind {
        case .closed, .reset: linger(event, now: now)
        case .established where event.isPlain: count(event)
        default: handleConnecting(event, now: now)
        }
    }

    /// The datapath began a flow of a plain listener: from here on it is like one of an earlier
    /// daemon.
    private mutating func count(_ event: FlowRecord) {
        logStranger(event)
        guard let upstream = event.upstream, let target = targetIndex[upstream.destination]
        else { return }
        counters.increment(.established)
        if pools[target].reserve(upstream.source) {
            admission.adopt()
            routes.loads[target].open()
        } else {
            // Out still for a flow that is over: its place is this one's now.
            leaveSeat(of: upstream.source, target)
        }
        if routes.limits != nil, let row = kernel.upstreamRow(of: event.client),
            row.createdNanoseconds == event.createdNanoseconds
        {
            takeSeat(of: row, target)
        }
    }

    private mutating func handleConnecting(_ event: FlowRecord, now: UInt64) {
        guard let client = pending[event.client] else {
            if event.kind == .abandoned { endForsaken(event, now: now) }
            if event.kind == .established { logStranger(event) }
            return
        }
        let isOfAttempt = event.createdNanoseconds == (client.splice?.createdNanoseconds ?? 0)
        guard isOfAttempt || isOfItsClient(event, isn: client.note.clientISN) else { return }
        switch event.kind {
        case .established:
            CrashPoint.reach(.establishedRead)
            if event.mss > 0 { routes.lessons.learn(segment: event.mss, of: client.target) }
            if let took = connectTime(of: client, event, now: now) {
                routes.loads[client.target].observe(connectTime: took, now: now)
            }
            routes.signals.connected(client.target)
            routes.refused.forget(client.target)
            didEstablish(client, after: event.ageMicroseconds)
            keepSpare(client)
        case .refused:
            CrashPoint.reach(.refusalRead)
            nextEndpoint(client, .refused, now: now)
        case .challenged:
            nextPort(client, event, now: now)
        case .optionsRefused:
            refuseOptions(client, event, now: now)
        case .abandoned:
            logEnd(of: client, .rstClient, now: now)
            abandon(client, now: now)
        case .closed, .reset, .orphaned, .stray:
            break
        }
    }

    /// How long its endpoint took to answer, nanoseconds. The word of what the datapath opened may have
    /// waited; nil: then nobody knows.
    private func connectTime(
        of client: PendingClient, _ event: FlowRecord, now: UInt64
    ) -> UInt64? {
        if let age = event.ageMicroseconds { return UInt64(age) * 1000 }
        if client.isOpened { return nil }
        return now > event.createdNanoseconds ? now - event.createdNanoseconds : 0
    }

    /// Whether it tells of a client that left before the datapath knew that an endpoint is asked.
    private func isOfItsClient(_ event: FlowRecord, isn: UInt32) -> Bool {
        event.kind == .abandoned && event.createdNanoseconds == 0
            && event.sequence &- isn &- 1 < 131_072
    }

    /// By now the endpoint may have answered: it waits for a client that is not there any more.
    private mutating func endForsaken(_ event: FlowRecord, now: UInt64) {
        guard let row = kernel.upstreamRow(of: event.client),
            isOfItsClient(event, isn: row.clientISN),
            let peer = kernel.downstreamRow(of: row.upstream)
        else { return }
        logReport(SpliceEnd(end: .rstClient, row: row, peer: peer), now: now)
        end(row.client, row.upstream, row.createdNanoseconds)
        kernel.send(Segment(resetting: peer))
    }

    /// The endpoint took the connection without what the client was promised: ours to end.
    private mutating func refuseOptions(
        _ client: PendingClient, _ event: FlowRecord, now: UInt64
    ) {
        routes.lessons.learnRefusal(of: client.target)
        if let splice = client.splice {
            kernel.remove(
                client: splice.client, upstream: splice.upstream,
                createdNanoseconds: splice.createdNanoseconds)
            kernel.send(
                Segment(
                    tuple: splice.upstream, sequence: event.acknowledgement, flags: .reset))
        }
        relay(client, .optionsRefused, now: now)
    }

    private mutating func linger(_ event: FlowRecord, now: UInt64) {
        // A flow may close before the word of its beginning was read.
        if let client = pending[event.client],
            client.splice?.createdNanoseconds == event.createdNanoseconds
        {
            didEstablish(client)
        }
        // An endpoint that left the configuration: the sweeper ends what is left of it.
        guard let upstream = event.upstream, let target = targetIndex[upstream.destination]
        else { return }
        logEvent(event, upstream, target, now: now)
        if event.kind == .reset, event.isFromEndpoint, !event.isOurs {
            routes.signals.wasReset(by: target, now: now)
        }
        let item = LingerQueue.Item(
            source: upstream.source, target: target,
            createdNanoseconds: event.createdNanoseconds, since: now)
        if event.kind == .closed {
            leaveSeat(upstream, event.createdNanoseconds, target)
            closed.append(item)
        } else {
            reset.append(item)
        }
    }

    /// Whether an event of a client would find it: if not, perhaps the datapath opened its flow, and
    /// the word of it was not read yet.
    public func knows(_ client: FlowTuple) -> Bool { !mayHaveOpened || pending[client] != nil }

    /// What another thread has to say.
    public mutating func handle(_ message: WorkerMessage, now: UInt64) {
        switch message {
        case .ended(let client, let upstream, let created):
            if let attempt = pending[client], attempt.splice?.createdNanoseconds == created {
                return abandon(attempt, now: now)
            }
            // Told late: by now the port may serve another splice.
            let row = kernel.downstreamRow(of: upstream)
            guard row == nil || row?.createdNanoseconds == created else { return }
            end(client, upstream, created)
        case .logged(let end):
            logReport(end, now: now)
        case .vanished(let upstream):
            logEviction(upstream, now: now)
        case .free(let port, let target):
            let upstream = FlowTuple(source: port, destination: routes.targets[target].address)
            guard kernel.downstreamRow(of: upstream) == nil else { return }
            forgetNote(port, target)
            free(port, target)
        case .ways(let targets, let segmentSize):
            forgetNames(now: now)
            settings.segmentSize = segmentSize
            follow(targets)
        case .configuration(let routes, let limits, let done):
            forgetNames(now: now)
            settings.limits = limits
            follow(routes)
            done()
        }
    }

    /// `age`: how many microseconds after the splice was programmed, if that is known.
    mutating func didEstablish(_ client: PendingClient, after age: UInt32? = nil) {
        counters.increment(.established)
        logEstablished(client, after: age)
        sendLate(client)
        departed.insert(client)
        pending[client.client] = nil
    }

    mutating func end(_ client: FlowTuple, _ upstream: FlowTuple, _ created: UInt64) {
        kernel.remove(client: client, upstream: upstream, createdNanoseconds: created)
        release(upstream, created, target: targetIndex[upstream.destination])
    }

    /// A splice has left the table. `target` is nil when its endpoint left the configuration.
    mutating func release(_ upstream: FlowTuple, _ created: UInt64, target: Int?) {
        logRelease(upstream, created, target)
        guard let target else {
            admission.release()
            counters.increment(.ended)
            return
        }
        if giveBackOwn(upstream, created, target) { return counters.increment(.ended) }
        let source = upstream.source
        let owner = PortPool.owner(of: source.port, workers: settings.workers)
        if owner == settings.worker {
            free(source, target)
        } else {
            foreignPorts.append((source, target))
        }
    }

    /// A splice is told to be over more than once (FINs, then an RST, then the sweeper); its port
    /// comes back once, and with it the place in the table.
    private mutating func free(_ port: TransportAddress, _ target: Int) {
        if giveBackPort(port, target) { counters.increment(.ended) }
    }

    /// The attempt that had our end of the tuple is over.
    mutating func giveBack(_ upstream: FlowTuple, _ created: UInt64, _ target: Int) {
        if !giveBackOwn(upstream, created, target) { giveBackPort(upstream.source, target) }
    }

    /// False when no splice of that time kept its client's address and port.
    private mutating func giveBackOwn(
        _ upstream: FlowTuple, _ created: UInt64, _ target: Int
    ) -> Bool {
        guard routes.transparent.giveBack(upstream, createdNanoseconds: created) else {
            return false
        }
        didFree(target)
        return true
    }

    /// False when the port was not out.
    @discardableResult
    private mutating func giveBackPort(_ port: TransportAddress, _ target: Int) -> Bool {
        guard !known.isLaid(port, target), pools[target].giveBack(port) else { return false }
        didFree(target)
        leaveSeat(of: port, target)
        return true
    }

    /// A splice to the endpoint is over, and its end of ours free.
    mutating func didFree(_ target: Int) {
        admission.release()
        routes.loads[target].close()
    }
}
