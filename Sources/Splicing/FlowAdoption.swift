// SPDX-License-Identifier: Apache-2.0

public import Datapath
internal import KernelBPF
internal import KernelSockets
public import Logging
internal import WireTypes

/// What a daemon makes of the flow table that an earlier one left, however that one ended.
///
/// Whole flows are adopted. Half of a live flow is made whole; half of any other is of no use. A flow
/// in a state that nobody knows is reset at both ends. What was connecting is kept until the
/// handshake program is attached, and then given up: its client repeats the hello, which the stack
/// would answer by an RST any sooner.
public struct FlowAdoption {
    /// Client → endpoint rows of all flows that stay: their ports are taken.
    public private(set) var flows: [SpliceRow] = []
    private var connecting: [SpliceRow] = []
    /// Rows and flows that were removed.
    public private(set) var removed = 0
    private let datapath: KernelDatapath

    /// Reads the table and resolves it.
    public init(of datapath: KernelDatapath, counters: SplicerCounters, logger: Logger) {
        self.datapath = datapath
        var pairs = RowPairs()
        var strange: [SpliceRow] = []
        do {
            try datapath.forEachRow { row in
                guard let pair = pairs.add(row) else { return }
                if pair.upstream.hasKnownState, pair.downstream.hasKnownState {
                    keep(pair.upstream)
                } else {
                    strange += [pair.upstream, pair.downstream]
                }
            }
        } catch {
            logger.warning("cannot read the flow table", metadata: ["error": "\(error)"])
        }
        // After the walk: writing and looking up moves rows.
        let repair = FlowRepair(datapath, counters, logger)
        for row in pairs.alone { resolve(row, repair, &strange) }
        reset(strange)
    }

    private mutating func keep(_ row: SpliceRow) {
        flows.append(row)
        if row.state == .connecting { connecting.append(row) }
    }

    private mutating func resolve(
        _ row: SpliceRow, _ repair: FlowRepair, _ strange: inout [SpliceRow]
    ) {
        guard row.hasKnownState else { return strange.append(row) }
        // The endpoint was never asked. The client repeats itself, and would be reset if its row went
        // before the handshake program answers.
        if row.state == .connecting, row.isUpstream { return keep(row) }
        if row.state == .established || row.state == .closing {
            repair.restore(beside: row.isUpstream ? row.client : row.upstream.reversed)
            if let whole = datapath.upstreamRow(of: row.client),
                whole.createdNanoseconds == row.createdNanoseconds
            {
                return keep(whole)
            }
        }
        datapath.remove(row)
        removed += 1
    }

    private mutating func reset(_ rows: [SpliceRow]) {
        guard !rows.isEmpty else { return }
        let raw = try? RawSocket(priority: KernelDatapath.socketPriority)
        for row in rows {
            datapath.remove(row)
            raw?.send(Segment(resetting: row))
            removed += 1
        }
    }

    /// Gives up what is connecting still. Called once the handshake program answers.
    public func giveUpConnecting(_ workers: [SpliceWorker]) {
        for row in connecting {
            // None: a SYN of its client's next connection has removed it.
            if let now = datapath.upstreamRow(of: row.client),
                now.createdNanoseconds == row.createdNanoseconds
            {
                // The endpoint may have answered since; then it is a flow like the others.
                guard now.state == .connecting else { continue }
                datapath.remove(
                    client: row.client, upstream: row.upstream,
                    createdNanoseconds: row.createdNanoseconds)
            }
            workers[row.owner(among: workers.count)].post(
                .ended(
                    client: row.client, upstream: row.upstream,
                    createdNanoseconds: row.createdNanoseconds))
        }
    }
}
