// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import CrashPoints
internal import KernelBPF
internal import WireTypes

/// The flow table's way: what a flow cannot do without, what can be made up, and what happens to
/// rows while packets go on writing them.
struct FlowTableMove: ~Copyable {
    private let table: TableMove
    private let older: OlderRows
    /// How many rows were copied; nil when an earlier start did it.
    private var copied: Int?

    /// A row without one of these would translate wrongly, or never end.
    static let essential = [
        "rewrite", "seq_delta", "ack_delta", "tsval_delta", "tsecr_delta", "window_shift", "state",
        "flags", "next_seq", "last_ack", "created_ns", "listener", "cluster",
        "server_name",
    ]

    /// Wider up to ABI 5, for numbers that need no more: workers and segments of a template are few,
    /// and it has at most 32 KiB.
    static let narrowing: Set<String> = [
        "worker", "template_slot", "template_segments", "hello_length",
    ]

    init(from pins: PinDirectory, to datapath: KernelDatapath) throws(BPFError) {
        let table = try TableMove(
            "flows", from: pins, to: datapath.flows, essential: Self.essential,
            narrowing: Self.narrowing)
        older = OlderRows(table.old.valueLayout, missing: table.value.missing)
        self.table = table
    }

    /// First pass: before our programs see a packet.
    mutating func copy(to datapath: KernelDatapath) throws(BPFError) {
        let older = older
        copied = try table.copy(to: datapath.flows) { older.finish(&$0, from: $1) }
    }

    /// Second pass: what the old programs did after their row was copied. They must have ended.
    borrowing func merge(into datapath: KernelDatapath) throws(BPFError) {
        let older = older
        var rows = 0
        try table.forEachBatch({ older.finish(&$0, from: $1) }) {
            (keys: [flow_tuple], entries: [flow_entry]) throws(BPFError) in
            rows += keys.count
            for (key, entry) in zip(keys, entries) {
                guard let now = datapath.flows.value(of: key), now.created_ns == entry.created_ns,
                    now.differs(from: entry)
                else { continue }
                try datapath.merge(entry, at: key)
                CrashPoint.reach(.rowMerged)
            }
        }
        // Nobody adds rows while no daemon is there: as many as before are the same. After a crash
        // nobody knows whether the old table ever had all rows: it may be a copy of ours that a
        // start of the other version did not finish.
        if let copied, rows != copied { try removeVanished(from: datapath) }
    }

    /// Removes rows that the old programs removed after they were copied.
    private borrowing func removeVanished(from datapath: KernelDatapath) throws(BPFError) {
        var known: Set<FlowTuple> = []
        try table.forEachBatch({ _, _ in }) {
            (keys: [flow_tuple], _: [flow_entry]) throws(BPFError) in
            for key in keys { known.insert(FlowTuple(key)) }
        }
        var vanished: [flow_tuple] = []
        do {
            try datapath.flows.forEachBatch { keys, _ in
                for index in 0..<keys.count where !known.contains(FlowTuple(keys[index])) {
                    vanished.append(keys[index])
                }
            }
        } catch {
            throw error as? BPFError ?? BPFError("\(error)")
        }
        datapath.flows.remove(vanished.span)
    }
}

extension flow_entry {
    /// Whether packets wrote to one of two copies of a row and not to the other.
    fileprivate func differs(from other: flow_entry) -> Bool {
        state != other.state || flags != other.flags || packets != other.packets
            || bytes != other.bytes || next_seq != other.next_seq || last_ack != other.last_ack
            || last_seen != other.last_seen || last_data != other.last_data
    }
}
