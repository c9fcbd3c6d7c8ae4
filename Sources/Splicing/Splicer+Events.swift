// SPDX-License-Identifier: Apache-2.0

public import Datapath
internal import WireTypes

extension Splicer where Kernel: ~Copyable {
    /// Something happened to a flow.
    public mutating func handle(_ event: FlowRecord, now: UInt64) {
        switch event.kind {
        case .closed: linger(event, settings.closedLinger, now: now)
        case .reset: linger(event, settings.resetLinger, now: now)
        default: handleConnecting(event, now: now)
        }
    }

    private mutating func handleConnecting(_ event: FlowRecord, now: UInt64) {
        guard let client = pending[event.client],
            event.createdNanoseconds == (client.splice?.createdNanoseconds ?? 0)
        else { return }
        switch event.kind {
        case .established:
            counters.established.increment()
            pending[event.client] = nil
            if spare.count < 1024 { spare.append(client) }
        case .refused:
            nextEndpoint(client, now: now)
        case .challenged:
            nextPort(client, event, now: now)
        case .optionsRefused:
            refuseOptions(client, event, now: now)
        case .abandoned:
            abandon(client)
        case .closed, .reset:
            break
        }
    }

    /// The endpoint took the connection without what the client was promised: ours to end.
    private mutating func refuseOptions(
        _ client: PendingClient, _ event: FlowRecord, now: UInt64
    ) {
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

    private mutating func linger(_ event: FlowRecord, _ time: Duration, now: UInt64) {
        guard let upstream = event.upstream, let target = targetIndex[upstream.destination]
        else { return }
        // A flow may close before the word of its beginning was read.
        if let client = pending[event.client],
            client.splice?.createdNanoseconds == event.createdNanoseconds
        {
            counters.established.increment()
            pending[event.client] = nil
        }
        let item = LingerQueue.Item(
            source: upstream.source, target: target,
            createdNanoseconds: event.createdNanoseconds, until: now + time.wholeNanoseconds)
        if event.kind == .closed { closed.append(item) } else { reset.append(item) }
    }

    /// What another thread has to say.
    public mutating func handle(_ message: WorkerMessage, now: UInt64) {
        switch message {
        case .ended(let client, let upstream, let created):
            end(client, upstream, created)
        case .free(let port, let target):
            pools[target].giveBack(port)
        }
    }

    mutating func end(_ client: FlowTuple, _ upstream: FlowTuple, _ created: UInt64) {
        kernel.remove(client: client, upstream: upstream, createdNanoseconds: created)
        release(upstream.source, target: targetIndex[upstream.destination])
    }

    /// A splice has left the table. `target` is nil when its endpoint left the configuration.
    mutating func release(_ source: TransportAddress, target: Int?) {
        admission.release()
        counters.ended.increment()
        guard let target else { return }
        let owner = PortPool.owner(of: source.port, workers: settings.workers)
        if owner == settings.worker {
            pools[target].giveBack(source)
        } else {
            foreignPorts.append((source, target))
        }
    }
}
