// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
public import KernelBPF
public import WireTypes

// An eviction takes one direction of a flow; what is left says what the other one was.
extension KernelDatapath {
    /// Writes the direction that is missing beside a live row; returns the row that was left, or nil
    /// when there was nothing to do. `tuple` is the key of the row that is there.
    public func restorePeer(of tuple: FlowTuple) throws(BPFError) -> SpliceRow? {
        let key = tuple.abi
        guard let entry = flows.value(of: key),
            [.established, .closing].contains(FlowState(abi: entry.state))
        else { return nil }
        let peerKey = FlowTuple(entry.rewrite).reversed.abi
        let interface = interface(ofWay: entry.way)
        guard try flows.insert(entry.peer(of: tuple, arrivingBy: interface), at: peerKey)
        else { return nil }
        return SpliceRow(key, entry)
    }

    /// Keys of the rows whose other direction has one of these keys. Walks the whole table.
    public func keys(beside missing: Set<FlowTuple>) -> [FlowTuple: FlowTuple] {
        var found: [FlowTuple: FlowTuple] = [:]
        try? flows.forEachBatch { keys, entries in
            for index in 0..<keys.count {
                let peer = FlowTuple(entries[index].rewrite).reversed
                if missing.contains(peer) { found[peer] = FlowTuple(keys[index]) }
            }
        }
        return found
    }
}

extension flow_entry {
    /// The other direction's entry, as far as it can be known: packets are counted anew, and bytes
    /// from those on that this direction acknowledged.
    fileprivate func peer(of tuple: FlowTuple, arrivingBy interface: UInt32) -> flow_entry {
        var peer = self
        peer.rewrite = tuple.reversed.ends
        peer.seq_delta = 0 &- ack_delta
        peer.ack_delta = 0 &- seq_delta
        peer.tsval_delta = 0 &- tsecr_delta
        peer.tsecr_delta = 0 &- tsval_delta
        peer.flags = flags & Self.scales | peerFlags
        peer.window_shift = peerWindowShift
        // Bounds that the first packets move on.
        let sent = UInt32(truncatingIfNeeded: next_seq) &+ seq_delta
        peer.last_ack = has(FLOW_FLAG_OWNED) ? isn &+ 1 : sent
        setNumbers(of: &peer)
        peer.packets = 0
        peer.last_seen = 0
        peer.last_data = 0
        peer.way = UInt16(WAY_UNKNOWN)
        peer.ingress_ifindex = interface
        peer.size_limit = UInt16(SIZE_UNLIMITED)
        peer.template_segments = 0
        return peer
    }

    /// Where the other direction began, and how far it came. That an RST is believed depends on it,
    /// so bytes are those between the two.
    private func setNumbers(of peer: inout flow_entry) {
        let acknowledged = last_ack &+ ack_delta
        guard !has(FLOW_FLAG_PLAIN) else {
            // Nobody knows any more where.
            peer.first_seq = acknowledged
            peer.next_seq = UInt64(acknowledged)
            peer.bytes = 0
            return
        }
        peer.own_isn = first_seq &- 1 &+ seq_delta &- (isUpstream ? ownedShift : 0)
        peer.first_seq = own_isn &+ 1 &+ ack_delta &+ (isUpstream ? 0 : ownedShift)
        // An endpoint that has not all bytes of ours is behind the client's first one.
        let isBehind = peer.first_seq &- acknowledged <= UInt32(owned_length)
        peer.next_seq = UInt64(peer.first_seq)
        if !isBehind { peer.next_seq += UInt64(acknowledged &- peer.first_seq) }
        peer.bytes = peer.sentBytes
    }

    private static var scales: UInt32 {
        FLOW_SCALE_MASK << FLOW_CLIENT_SCALE_SHIFT | FLOW_SCALE_MASK << FLOW_OUR_SCALE_SHIFT
            | FLOW_SCALE_MASK << FLOW_ENDPOINT_SCALE_SHIFT
    }

    private var peerFlags: UInt32 {
        let common =
            FLOW_FLAG_TIMESTAMPS.rawValue | FLOW_FLAG_SACK.rawValue
            | FLOW_FLAG_WINDOW_SCALE.rawValue | FLOW_FLAG_STRIP_SACK.rawValue
            | FLOW_FLAG_UNSCALED.rawValue | FLOW_FLAG_PLAIN.rawValue
        var peer = flags & common
        if !isUpstream {
            peer |= FLOW_FLAG_UPSTREAM.rawValue
            // The next packet tells whether the endpoint has them.
            if owned_length > 0 { peer |= FLOW_FLAG_OWNED.rawValue }
        } else {
            peer |= FLOW_FLAG_ANSWERED.rawValue
        }
        if has(FLOW_FLAG_FIN) { peer |= FLOW_FLAG_PEER_FIN.rawValue }
        // Where it stands is not known before it is acknowledged.
        if has(FLOW_FLAG_FIN_ACKED) { peer |= FLOW_FLAG_FIN.rawValue }
        return peer
    }

    /// As the datapath sets it when the endpoint answers (bpf/lib/hello.h).
    private var peerWindowShift: Int8 {
        // Ends of a plain flow scale for each other.
        guard !has(FLOW_FLAG_PLAIN), has(FLOW_FLAG_WINDOW_SCALE) else { return 0 }
        if isUpstream { return Int8(endpointScale) - Int8(ourScale) }
        return has(FLOW_FLAG_UNSCALED) ? Int8(clientScale) : 0
    }
}
