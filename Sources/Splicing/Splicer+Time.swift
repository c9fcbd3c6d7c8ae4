// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Datapath
internal import HealthChecking
internal import WireTypes

extension Splicer where Kernel: ~Copyable {
    /// Ends what has lingered long enough, and looks after deadlines.
    public mutating func tick(now: UInt64) {
        while let item = closed.next(now: now) { endIfStill(item) }
        while let item = reset.next(now: now) { endIfStill(item) }
        endLateAttempts(now: now)
        endLateReaders(now: now)
        departed.age()
    }

    /// Whether `tick` has anything to wait for.
    public var isWaiting: Bool {
        !pending.isEmpty || !closed.isEmpty || !reset.isEmpty || !departed.isEmpty
    }

    /// An RST that neither end took for good does not end a flow: traffic of both revived it.
    private mutating func endIfStill(_ item: LingerQueue.Item) {
        let upstream = FlowTuple(
            source: item.source, destination: routes.targets[item.target].address)
        guard let down = kernel.downstreamRow(of: upstream) else {
            // The kernel removed it for a new connection of the same client: the port is free.
            return release(item.source, target: item.target)
        }
        guard down.createdNanoseconds == item.createdNanoseconds else { return }
        if down.state != .reset, down.state != .closed,
            let up = kernel.upstreamRow(of: down.client),
            up.createdNanoseconds == item.createdNanoseconds, up.state != .reset
        {
            return
        }
        end(down.client, upstream, item.createdNanoseconds)
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

    private mutating func endLateReaders(now: UInt64) {
        for id in readers.keys {
            guard let listener = routes.listeners[id] else { continue }
            let timeout = listener.helloTimeout.wholeNanoseconds
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
        switch listener.answerToLateness {
        case .cluster(let index):
            handOver(client, .relay(cluster: index, endpoint: nil, .defaultRoute, nil), now: now)
        case .reject(let how):
            handOver(client, .reject(how), now: now)
        }
    }

    mutating func evictOldestReader() {
        let oldest = readers.keys
            .compactMap { readers[$0]?.first(in: pending) }
            .min { $0.since < $1.since }
        guard let oldest else { return }
        readers[oldest.note.listener]?.removeFirst()
        resetReader(oldest)
    }

    /// Without a socket: there are too many of these to make one for each.
    private mutating func resetReader(_ client: PendingClient) {
        counters.increment(.rejected)
        kernel.send(
            Segment(
                tuple: client.client.reversed, sequence: client.note.cookie &+ 1, flags: .reset))
        departed.insert(client)
        forget(client)
    }
}
