// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
package import KernelBPF
package import WireTypes

/// One row of the flow table as the datapath reads it, for tests.
package struct FlowRow: Sendable {
    var entry: flow_entry

    /// A row without deltas.
    package init(rewrite: FlowTuple, state: FlowState, isUpstream: Bool) {
        entry = flow_entry()
        entry.rewrite = rewrite.ends
        entry.size_limit = UInt16(SIZE_UNLIMITED)
        self.state = state
        if isUpstream { flags.insert(.upstream) }
    }

    init(_ entry: flow_entry) { self.entry = entry }

    /// enum flow_flag.
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }
        private init(_ flag: flow_flag) { self.init(rawValue: UInt16(flag.rawValue)) }

        package static let upstream = Flags(FLOW_FLAG_UPSTREAM)
        package static let timestamps = Flags(FLOW_FLAG_TIMESTAMPS)
        package static let sack = Flags(FLOW_FLAG_SACK)
        package static let windowScale = Flags(FLOW_FLAG_WINDOW_SCALE)
        package static let stripSACK = Flags(FLOW_FLAG_STRIP_SACK)
        package static let fin = Flags(FLOW_FLAG_FIN)
        package static let peerFIN = Flags(FLOW_FLAG_PEER_FIN)
        package static let finAcknowledged = Flags(FLOW_FLAG_FIN_ACKED)
        package static let owned = Flags(FLOW_FLAG_OWNED)
        package static let finFirst = Flags(FLOW_FLAG_FIN_FIRST)
        package static let untold = Flags(FLOW_FLAG_UNTOLD)
    }

    /// The tuple on the way out.
    package var rewrite: FlowTuple { FlowTuple(entry.rewrite) }

    /// What has happened so far, and what was agreed on.
    package var flags: Flags {
        get { Flags(rawValue: UInt16(truncatingIfNeeded: entry.flags)) }
        set { entry.flags = entry.flags & ~0xffff | UInt32(newValue.rawValue) }
    }

    /// State of this direction.
    package var state: FlowState {
        get { FlowState(abi: entry.state) }
        set { entry.state = newValue.abi }
    }
}

extension FlowRow {
    package var sequenceDelta: UInt32 {
        get { entry.seq_delta }
        set { entry.seq_delta = newValue }
    }
    package var acknowledgementDelta: UInt32 {
        get { entry.ack_delta }
        set { entry.ack_delta = newValue }
    }
    package var timestampValueDelta: UInt32 {
        get { entry.tsval_delta }
        set { entry.tsval_delta = newValue }
    }
    package var timestampEchoDelta: UInt32 {
        get { entry.tsecr_delta }
        set { entry.tsecr_delta = newValue }
    }
    package var windowShift: Int8 {
        get { entry.window_shift }
        set { entry.window_shift = newValue }
    }
    package var packets: UInt64 {
        get { entry.packets }
        set { entry.packets = newValue }
    }
    package var bytes: UInt64 {
        get { entry.bytes }
        set { entry.bytes = newValue }
    }
    package var lastAcknowledgement: UInt32 {
        get { entry.last_ack }
        set { entry.last_ack = newValue }
    }
    package var nextSequence: UInt64 {
        get { entry.next_seq }
        set { entry.next_seq = newValue }
    }
    package var firstSequence: UInt32 {
        get { entry.first_seq }
        set { entry.first_seq = newValue }
    }
    package var ownedLength: UInt16 { entry.owned_length }
    package var sizeLimit: UInt16 {
        get { entry.size_limit }
        set { entry.size_limit = newValue }
    }
    package var timesToldLimit: UInt8 { entry.timesToldLimit }
    package var createdNanoseconds: UInt64 {
        get { entry.created_ns }
        set { entry.created_ns = newValue }
    }
    /// In the kernel a tick, whose beginning comes back.
    package var lastSeenNanoseconds: UInt64 {
        get { entry.lastSeenNanoseconds }
        set { entry.last_seen = Tick(nanoseconds: newValue).value }
    }
    package var lastDataNanoseconds: UInt64 {
        get { entry.lastDataNanoseconds }
        set { entry.last_data = Tick(nanoseconds: newValue).value }
    }
    package var ingressInterface: UInt32 { entry.ingress_ifindex }
    package var endpointScale: UInt8 { entry.endpointScale }
}

extension FlowState {
    fileprivate var abi: UInt8 {
        let state =
            switch self {
            case .connecting: FLOW_CONNECTING
            case .established: FLOW_ESTABLISHED
            case .closing: FLOW_CLOSING
            case .closed: FLOW_CLOSED
            case .reset: FLOW_RESET
            }
        return UInt8(state.rawValue)
    }
}

extension KernelDatapath {
    /// The row of packets with this tuple.
    package func row(of tuple: FlowTuple) -> FlowRow? {
        flows.value(of: tuple.abi).map(FlowRow.init)
    }

    /// Writes the row of packets with this tuple.
    package func set(_ row: FlowRow, of tuple: FlowTuple) throws(BPFError) {
        try flows.set(tuple.abi, to: row.entry)
    }

    /// Brings in what another version's programs left of that row.
    package func merge(_ row: FlowRow, of tuple: FlowTuple) throws(BPFError) {
        try merge(row.entry, at: tuple.abi)
    }

    /// How the kernel says that keys and values of the flow table are laid out.
    package func flowLayouts() throws(BPFError) -> (key: StructLayout, value: StructLayout) {
        try flows.layouts()
    }

    /// Offsets of members of the flow table's values as the Swift compiler knows them.
    package static var flowOffsets: [String: Int?] {
        [
            "rewrite.saddr.word": MemoryLayout<flow_entry>.offset(of: \.rewrite.saddr),
            "rewrite.dport": MemoryLayout<flow_entry>.offset(of: \.rewrite.dport),
            "window_shift": MemoryLayout<flow_entry>.offset(of: \.window_shift),
            "state": MemoryLayout<flow_entry>.offset(of: \.state),
            "next_seq": MemoryLayout<flow_entry>.offset(of: \.next_seq),
            "way": MemoryLayout<flow_entry>.offset(of: \.way),
            "last_seen": MemoryLayout<flow_entry>.offset(of: \.last_seen),
            "preface_length": MemoryLayout<flow_entry>.offset(of: \.preface_length),
        ]
    }

    /// Deletes the row of packets with this tuple, as an eviction does.
    package func removeRow(of tuple: FlowTuple) { flows.remove(tuple.abi) }

    /// What the SYN of a client said, while it is remembered.
    package func note(of client: FlowTuple) -> HandshakeNote? {
        handshakes.value(of: client.abi).map(HandshakeNote.init)
    }

    /// Empties every map that tests fill.
    package func clear() {
        clearDaemonState()
        stopListening()
        for key in endpoints.keys() { endpoints.remove(key) }
        for key in flows.keys() { flows.remove(key) }
        for key in openings.keys() { openings.remove(key) }
        for key in plainTables.keys() { plainTables.remove(key) }
        clearKnownNames()
        setTableFull(false)
    }

    /// Whether packets of the client pass to the stack.
    package func isAdopted(_ client: FlowTuple) -> Bool { adopted.value(of: client.abi) != nil }

    /// The row of a plain flow that is about to stand.
    package func opening(of tuple: FlowTuple) -> FlowRow? {
        openings.value(of: tuple.abi).map(FlowRow.init)
    }

    /// Deletes such a row, as an eviction does.
    package func removeOpening(of tuple: FlowTuple) { openings.remove(tuple.abi) }
}
