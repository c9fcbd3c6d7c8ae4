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
        guard try flows.insert(entry.peer(of: tuple), at: peerKey) else { return nil }
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
    /// The other direction's entry, as far as it can be known: counters begin anew.
    fileprivate func peer(of tuple: FlowTuple) -> flow_entry {
        var peer = self
        peer.rewrite = tuple.reversed.abi
        peer.seq_delta = 0 &- ack_delta
        peer.ack_delta = 0 &- seq_delta
        peer.tsval_delta = 0 &- tsecr_delta
        peer.tsecr_delta = 0 &- tsval_delta
        peer.flags = peerFlags
        peer.window_shift = peerWindowShift
        // Bounds that the first packets move on.
        let isOwned = UInt32(flags) & FLOW_FLAG_OWNED.rawValue != 0
        peer.last_ack =
            isOwned ? isn &+ 1 : UInt32(truncatingIfNeeded: next_seq) &+ seq_delta
        peer.first_seq = last_ack &+ ack_delta
        peer.next_seq = UInt64(peer.first_seq)
        peer.fin_ack = UInt32(truncatingIfNeeded: next_seq) &+ seq_delta
        peer.packets = 0
        peer.bytes = 0
        peer.last_seen_ns = 0
        peer.last_data_ns = 0
        peer.next_hop_checked_ns = 0
        peer.next_hop = next_hop_none
        peer.ingress_ifindex = next_hop.ifindex
        peer.size_limit = UInt16(SIZE_UNLIMITED)
        peer.template_segments = 0
        return peer
    }

    private var next_hop_none: next_hop { CDatapathABI.next_hop() }

    private var peerFlags: UInt16 {
        let common =
            FLOW_FLAG_TIMESTAMPS.rawValue | FLOW_FLAG_SACK.rawValue
            | FLOW_FLAG_WINDOW_SCALE.rawValue | FLOW_FLAG_STRIP_SACK.rawValue
            | FLOW_FLAG_UNSCALED.rawValue | FLOW_FLAG_PLAIN.rawValue
        var peer = UInt32(flags) & common
        if !isUpstream {
            peer |= FLOW_FLAG_UPSTREAM.rawValue
            // The next packet tells whether the endpoint has them.
            if owned_length > 0 { peer |= FLOW_FLAG_OWNED.rawValue }
        }
        if UInt32(flags) & FLOW_FLAG_FIN.rawValue != 0 { peer |= FLOW_FLAG_PEER_FIN.rawValue }
        if UInt32(flags) & FLOW_FLAG_PEER_FIN.rawValue != 0 { peer |= FLOW_FLAG_FIN.rawValue }
        return UInt16(peer)
    }

    /// As the datapath sets it when the endpoint answers (bpf/lib/hello.h).
    private var peerWindowShift: Int8 {
        // Ends of a plain flow scale for each other.
        guard UInt32(flags) & FLOW_FLAG_PLAIN.rawValue == 0,
            UInt32(flags) & FLOW_FLAG_WINDOW_SCALE.rawValue != 0
        else { return 0 }
        if isUpstream { return Int8(endpoint_scale) - Int8(our_scale) }
        return UInt32(flags) & FLOW_FLAG_UNSCALED.rawValue != 0 ? Int8(client_scale) : 0
    }
}
