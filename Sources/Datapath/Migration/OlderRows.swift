// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KernelBPF

/// What a plan cannot do for rows of another version: what they say in other words than ours, up to
/// ABI 6, and what they do not say at all.
struct OlderRows: Sendable {
    private let missing: Set<String>
    private let isn: Number
    private let clientISN: Number
    private let cookie: Number
    private let synAckTimestamp: Number
    private let ownTimestamp: Number
    private let lastSeen: Number
    private let lastData: Number
    private let clientScale: Number
    private let ourScale: Number
    private let endpointScale: Number
    private let timesToldLimit: Number

    /// Of rows laid out like that, which lack those members of ours.
    init(_ old: StructLayout, missing: Set<String>) {
        self.missing = missing
        isn = Number("isn", in: old)
        clientISN = Number("client_isn", in: old)
        cookie = Number("cookie", in: old)
        synAckTimestamp = Number("syn_ack_tsval", in: old)
        ownTimestamp = Number("own_tsval", in: old)
        lastSeen = Number("last_seen_ns", in: old)
        lastData = Number("last_data_ns", in: old)
        clientScale = Number("client_scale", in: old)
        ourScale = Number("our_scale", in: old)
        endpointScale = Number("endpoint_scale", in: old)
        timesToldLimit = Number("limit_told", in: old)
    }

    /// Completes a row of ours, made by the plan from the old one.
    func finish(_ row: inout flow_entry, from old: RawSpan) {
        // Asked anew with the first packet: slots of another version's ways are not ours.
        row.way = UInt16(WAY_UNKNOWN)
        if missing.contains("size_limit") { row.size_limit = UInt16(SIZE_UNLIMITED) }
        if missing.contains("first_seq") {
            row.first_seq = UInt32(truncatingIfNeeded: row.next_seq)
        }
        if missing.contains("last_seen") {
            row.last_seen = Tick(nanoseconds: lastSeen.value(in: old)).value
        }
        if missing.contains("last_data") {
            row.last_data = Tick(nanoseconds: lastData.value(in: old)).value
        }
        setScales(of: &row, from: old)
        setEchoDelta(of: &row, from: old)
        // A plain flow has no numbers of ours.
        guard missing.contains("own_isn"), isn.isThere, !row.has(FLOW_FLAG_PLAIN) else { return }
        setNumbers(of: &row, from: old)
    }

    /// In the word of the flags, which has the rest of ours.
    private func setScales(of row: inout flow_entry, from old: RawSpan) {
        if clientScale.isThere { row.clientScale = clientScale.byte(in: old) }
        if ourScale.isThere { row.ourScale = ourScale.byte(in: old) }
        if endpointScale.isThere { row.endpointScale = endpointScale.byte(in: old) }
        if timesToldLimit.isThere { row.timesToldLimit = timesToldLimit.byte(in: old) }
    }

    /// Of a client whose endpoint has not answered: what our SYN-ACK said was apart.
    private func setEchoDelta(of row: inout flow_entry, from old: RawSpan) {
        guard row.isUpstream, !row.has(FLOW_FLAG_PLAIN),
            UInt32(row.state) == FLOW_CONNECTING.rawValue
        else { return }
        for said in [synAckTimestamp, ownTimestamp] where said.isThere {
            row.tsecr_delta = 0 &- said.word(in: old)
        }
    }

    private func setNumbers(of row: inout flow_entry, from old: RawSpan) {
        let isn = isn.word(in: old)
        let clientISN = clientISN.word(in: old)
        // One delta has both lengths (Splice.upstreamEntry).
        let delta = row.isUpstream ? row.seq_delta : 0 &- row.ack_delta
        row.preface_length = UInt16(
            truncatingIfNeeded: isn &- clientISN &+ UInt32(row.owned_length) &- delta)
        guard row.isUpstream else {
            row.own_isn = isn
            return
        }
        row.own_isn = cookie.word(in: old)
        setFirst(clientISN &+ 1, of: &row)
    }

    /// Rows that were restored began where the other direction stood: they have carried what was
    /// before that, too, or an RST would not be believed of them.
    private func setFirst(_ first: UInt32, of row: inout flow_entry) {
        if UInt32(row.state) != FLOW_CONNECTING.rawValue, !missing.contains("first_seq") {
            row.bytes += UInt64(row.first_seq &- first)
            if first > row.first_seq { row.next_seq += 1 << 32 }
        }
        row.first_seq = first
    }

    /// A number in an old row.
    private struct Number: Sendable {
        private let offset: Int
        /// 0: there is none of that name.
        private let size: Int

        init(_ path: String, in layout: StructLayout) {
            let member = layout[path]
            offset = member?.offset ?? 0
            size = member?.kind == .unsigned ? member?.size ?? 0 : 0
        }

        var isThere: Bool { size > 0 }

        func byte(in row: RawSpan) -> UInt8 { UInt8(truncatingIfNeeded: value(in: row)) }

        func word(in row: RawSpan) -> UInt32 { UInt32(truncatingIfNeeded: value(in: row)) }

        /// 0 without it.
        func value(in row: RawSpan) -> UInt64 {
            // Inside the row, as a compiler laid it out, or the load traps; any bytes are a number.
            switch size {
            case 1: UInt64(unsafe row.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self))
            case 2: UInt64(unsafe row.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
            case 4: UInt64(unsafe row.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
            case 8: unsafe row.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            default: 0
            }
        }
    }
}
