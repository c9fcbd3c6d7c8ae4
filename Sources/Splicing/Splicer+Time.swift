// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import ConnectionLogging
internal import Datapath
internal import HealthChecking
internal import KernelSockets
internal import WireTypes

extension Splicer where Kernel: ~Copyable {
    /// Ends what has lingered long enough, and looks after deadlines.
    public mutating func tick(now: UInt64) {
        endLingered(now: now)
        tickKnown(now: now)
        endLateAttempts(now: now)
        if servesSilentClients { serveSilentClients(now: now) }
        endLateReaders(now: now)
        departed.age()
    }

    /// Whether `tick` has anything to wait for.
    public var isWaiting: Bool {
        !pending.isEmpty || !closed.isEmpty || !reset.isEmpty || !departed.isEmpty
    }

    /// Removes what has lingered long enough.
    private mutating func endLingered(now: UInt64) {
        while endLongest(settings.limits.closedLinger, now: now) {}
    }

    /// Removes what has lingered longest of the closed ones, before its time: there is no port or no
    /// place in the table left, and who closed needs it less than who comes. False: none has
    /// lingered for `shortestLinger`.
    mutating func endEarly(now: UInt64) -> Bool {
        // What is told to be over twice would, of a splice that is not written yet, free the port.
        if !round.isEmpty { write(now: now) }
        let linger = min(settings.shortestLinger, settings.limits.closedLinger)
        return endLongest(linger, now: now)
    }

    /// Removes what was closed so long ago, or reset, as many as the kernel takes at a time. False:
    /// there is none.
    private mutating func endLongest(_ closedLinger: Duration, now: UInt64) -> Bool {
        let closedBy = now - min(now, closedLinger.nanoseconds)
        let resetBy = now - min(now, settings.resetLinger.nanoseconds)
        lingered.removeAll(keepingCapacity: true)
        while lingered.count < SpliceEnds.capacity,
            let item = closed.next(overBy: closedBy) ?? reset.next(overBy: resetBy)
        {
            let endpoint = routes.targets[item.target].address
            lingered.append(
                LingeredSplice(
                    upstream: FlowTuple(source: item.source, destination: endpoint),
                    createdNanoseconds: item.createdNanoseconds, target: item.target))
        }
        if lingered.isEmpty { return false }
        kernel.end(&lingered)
        for splice in lingered {
            release(splice.upstream, splice.createdNanoseconds, target: splice.target)
        }
        return true
    }

    private mutating func endLateAttempts(now: UInt64) {
        guard pending.count > reading else { return }
        let late = pending.values.filter { $0.splice != nil && $0.deadline <= now }
        for client in late {
            guard let row = kernel.upstreamRow(of: client.client),
                row.createdNanoseconds == client.splice?.createdNanoseconds
            else {
                // The datapath dropped it for another handshake, whose hello is on its way.
                abandon(client, now: now)
                continue
            }
            // The word of its success may still be in the ring, or have been lost.
            if row.state == .connecting {
                client.sawTimeout = true
                nextEndpoint(client, .noAnswer, now: now)
            } else {
                didEstablish(client)
            }
        }
    }

    /// Clients that wait for their endpoint to speak: nothing that they repeat is our clock.
    private mutating func serveSilentClients(now: UInt64) {
        for client in pending.values where client.isSilent && client.splice != nil {
            repeatSYN(client, now: now)
        }
        for id in silent.keys {
            guard let listener = routes.listeners[id], let patience = listener.serverFirstAfter
            else { continue }
            while let client = silent[id]?.first(in: pending, since: \.heardSince),
                client.heardSince + patience.nanoseconds <= now
            {
                silent[id]?.removeFirst()
                guard client.mayAwaitEndpoint else { continue }
                noteUnseen(client, listener, now: now)
                let source = client.origin.source.address
                follow(listener.answerToSilence(from: source), client, now: now)
            }
        }
    }

    private mutating func endLateReaders(now: UInt64) {
        for id in readers.keys {
            let listener = listener(id)
            let timeout = listener.helloTimeout.nanoseconds
            while let client = readers[id]?.first(in: pending), client.since + timeout <= now {
                readers[id]?.removeFirst()
                counters.increment(.clientHelloTimedOut)
                endLate(client, listener, now: now)
            }
        }
    }

    private mutating func endLate(
        _ client: PendingClient, _ listener: ListenerRoutes, now: UInt64
    ) {
        // A part of a header that is owed is not for an endpoint.
        if client.awaitsPreface {
            noteRejection(of: client, .proxyHeader)
            return handOver(client, .reject(listener.rejection.withoutTLS), now: now)
        }
        noteLateness(of: client, listener, now: now)
        switch listener.answerToLateness {
        case .cluster(let index):
            let cluster = routes.clusters[index].id
            handOver(client, .relay(cluster: cluster, target: nil, .defaultRoute, nil), now: now)
        case .reject(let how):
            handOver(client, .reject(how), now: now)
        }
    }

    mutating func evictOldestReader(now: UInt64) {
        let oldest = readers.keys
            .compactMap { readers[$0]?.first(in: pending) }
            .min { $0.since < $1.since }
        guard let oldest else { return }
        readers[oldest.note.listener]?.removeFirst()
        resetReader(oldest, now: now)
    }

    /// Without a socket: there are too many of these to make one for each.
    private mutating func resetReader(_ client: PendingClient, now: UInt64) {
        counters.increment(.rejected)
        counters.increment(.helloEvicted)
        noteRejection(of: client, .helloEvicted)
        logEnd(of: client, .rejected, now: now)
        kernel.send(
            Segment(
                tuple: client.client.reversed, sequence: client.note.cookie &+ 1, flags: .reset))
        departed.insert(client)
        forget(client)
    }
}
