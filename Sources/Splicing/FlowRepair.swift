// SPDX-License-Identifier: Apache-2.0

internal import Datapath
public import KernelSockets
internal import Logging
internal import Synchronization
internal import WireTypes

/// Makes flows whole of which the kernel forgot one direction, and resets senders of no flow.
///
/// The datapath tells of a live row without its peer, and of segments to a listener or to a source
/// port of ours that belong to nothing: those of an end whose own row was evicted look like that,
/// and the row towards it says so. Finding it takes a walk of the table, hence on the sweeper's thread and not too often.
final class FlowRepair: Sendable {
    private struct Reports {
        var orphans: [FlowRecord] = []
        /// By tuple as it arrives: the acknowledgement, which is the sequence number of an RST to it.
        var strays: [FlowTuple: UInt32] = [:]
        var nextWalk: UInt64 = 0
    }

    private static let most = 4096
    private let reports = Mutex(Reports())
    private let datapath: KernelDatapath
    private let counters: SplicerCounters
    private let logger: Logger

    init(_ datapath: KernelDatapath, _ counters: SplicerCounters, _ logger: Logger) {
        self.datapath = datapath
        self.counters = counters
        self.logger = logger
    }

    /// Remembers a report until `work`. Past a number of them they are left to be told again.
    func note(_ event: FlowRecord) {
        reports.withLock { reports in
            if event.kind == .orphaned {
                if reports.orphans.count < Self.most { reports.orphans.append(event) }
            } else if reports.strays.count < Self.most {
                reports.strays[event.client] = event.acknowledgement
            }
        }
    }

    /// Does what was noted. Called by one thread. `lost` is told of each segment that arrived and is
    /// of no flow at all.
    func work(_ raw: borrowing RawSocket, now: UInt64, lost: (FlowTuple) -> Void) {
        let (orphans, strays) = reports.withLock { reports in
            let orphans = reports.orphans
            reports.orphans.removeAll(keepingCapacity: true)
            guard now >= reports.nextWalk else { return (orphans, [FlowTuple: UInt32]()) }
            defer { reports.strays.removeAll(keepingCapacity: true) }
            return (orphans, reports.strays)
        }
        for event in orphans {
            // One of the two is there; which one, the row itself says.
            restore(beside: event.client)
            if let upstream = event.upstream { restore(beside: upstream.reversed) }
        }
        if !strays.isEmpty { settle(strays, raw, lost) }
    }

    private func settle(
        _ strays: [FlowTuple: UInt32], _ raw: borrowing RawSocket, _ lost: (FlowTuple) -> Void
    ) {
        let start = MonotonicClock.nanoseconds
        let found = datapath.keys(beside: Set(strays.keys))
        let end = MonotonicClock.nanoseconds
        // A tenth of one core at most.
        reports.withLock { $0.nextWalk = end + 10 * (end - start) }
        for (tuple, acknowledgement) in strays {
            if let key = found[tuple] {
                restore(beside: key)
            } else if !datapath.hasRow(of: tuple) {
                raw.send(Segment(tuple: tuple.reversed, sequence: acknowledgement, flags: .reset))
                lost(tuple)
            }
        }
    }

    /// Writes the row that is missing beside the one with this key.
    func restore(beside key: FlowTuple) {
        do {
            guard let row = try datapath.restorePeer(of: key) else { return }
            counters.increment(.evicted)
            counters.increment(.restored)
            logger.warning(
                "the kernel forgot a direction of a live flow: restored",
                metadata: [
                    "client": "\(row.client.source)", "endpoint": "\(row.upstream.destination)",
                    "sni": "\(datapath.serverName(row.serverName) ?? "-")",
                    "direction": row.isUpstream ? "to client" : "to endpoint",
                ])
        } catch {
            counters.increment(.evicted)
            logger.error("cannot restore a flow", metadata: ["error": "\(error)"])
        }
    }
}

extension RawSocket {
    /// Sends a segment; one that cannot be sent is like one that was lost.
    public borrowing func send(_ segment: Segment) {
        var packet: [UInt8] = []
        segment.write(into: &packet)
        try? send(packet.span, to: segment.tuple.destination.address)
    }
}
