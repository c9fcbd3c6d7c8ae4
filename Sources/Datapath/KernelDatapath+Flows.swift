// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KernelBPF
public import WireTypes

/// What the daemon needs to know of a splice that it forgot.
public struct SpliceRow: Sendable, Equatable {
    /// Client → listener.
    public let client: FlowTuple
    /// Balancer → endpoint.
    public let upstream: FlowTuple
    /// The state of this direction.
    public let state: FlowState
    /// With the tuple it names one connection.
    public let createdNanoseconds: UInt64
    /// False: the table holds something else, which `state` gives as `.reset`.
    public let hasKnownState: Bool
    /// CLOCK_MONOTONIC nanoseconds of the last packet of this direction; creation before it.
    public let lastSeenNanoseconds: UInt64
    /// What this direction's sender acknowledged last: the sequence number of an RST to it.
    public let lastAcknowledgement: UInt32
    /// Whether this row is of client → endpoint.
    public let isUpstream: Bool
    /// The worker that programmed it.
    public let worker: UInt16
    /// Id of the SNI.
    public let serverName: UInt32
    /// CLOCK_MONOTONIC nanoseconds of the last new data of this direction; creation before it.
    public let lastDataNanoseconds: UInt64
    /// What this direction's sender has acknowledged, in the numbers of the other end.
    public let forwardedAcknowledgement: UInt32
    /// End of what this direction's sender has sent, in its own numbers.
    public let nextSequence: UInt32
    /// Whether both ends agreed on timestamps.
    public let hasTimestamps: Bool
    /// A TSval from the beginning of the flow, as this direction's sender may have seen it.
    public let firstTimestamp: UInt32
    /// The client's ISN.
    public let clientISN: UInt32
    /// What a client that has heard nothing but our SYN-ACK acknowledges, as the endpoint counts;
    /// of client → endpoint only.
    public let firstAcknowledgement: UInt32
    /// Id of the cluster in the name table.
    public let cluster: UInt16
    /// Id of the listener in the name table.
    public let listener: UInt16
    /// Bytes of ours in front of the client's first byte.
    public let ownedLength: Int
    /// Bytes in front of the client's stream that the endpoint does not get.
    public let prefaceLength: Int
    /// What the endpoint acknowledges once it has them, as it counts.
    public let ownedEnd: UInt32
    /// Sequence number behind the bytes in the template, as the client counts.
    public let helloEnd: UInt32
    /// What the endpoint was sent first; of endpoint → client only.
    public let template: TemplateReference
    /// For segments of this direction that the daemon sends on.
    public let translation: SegmentTranslation
    /// What this direction carried so far.
    public let totals: FlowTotals
    /// Whether this direction was the first that closed; nil: none has yet, or nobody noted.
    public let closedFirst: Bool?

    init(_ key: flow_tuple, _ entry: flow_entry) {
        let tuple = FlowTuple(key)
        let rewrite = FlowTuple(entry.rewrite)
        isUpstream = entry.isUpstream
        client = isUpstream ? tuple : rewrite.reversed
        upstream = isUpstream ? rewrite : tuple.reversed
        state = FlowState(abi: entry.state)
        hasKnownState = FLOW_CONNECTING.rawValue...FLOW_RESET.rawValue ~= UInt32(entry.state)
        createdNanoseconds = entry.created_ns
        lastSeenNanoseconds = entry.lastSeenNanoseconds
        lastAcknowledgement = entry.last_ack
        worker = UInt16(entry.worker)
        serverName = entry.server_name
        lastDataNanoseconds = entry.lastDataNanoseconds
        forwardedAcknowledgement = entry.last_ack &+ entry.ack_delta
        nextSequence = UInt32(truncatingIfNeeded: entry.next_seq)
        hasTimestamps = entry.has(FLOW_FLAG_TIMESTAMPS)
        firstTimestamp = entry.firstTimestamp
        clientISN = entry.clientISN
        firstAcknowledgement = entry.own_isn &+ 1 &+ entry.ack_delta
        cluster = entry.cluster
        listener = entry.listener
        ownedLength = Int(entry.owned_length)
        prefaceLength = Int(entry.preface_length)
        ownedEnd = entry.isn &+ 1 &+ UInt32(entry.owned_length)
        helloEnd = entry.clientISN &+ 1 &+ UInt32(entry.hello_length)
        var template = TemplateReference()
        template.slot = UInt32(entry.template_slot)
        template.stamp = entry.template_stamp
        template.segments = UInt16(entry.template_segments)
        self.template = template
        translation = SegmentTranslation(entry)
        totals = FlowTotals(entry)
        closedFirst =
            entry.has(FLOW_FLAG_FIN_FIRST) ? true : entry.has(FLOW_FLAG_PEER_FIN) ? false : nil
    }
}

/// What one direction of a splice carried.
public struct FlowTotals: Sendable, Equatable {
    /// Packets seen; of a super-packet those it was made of.
    public var packets: UInt64 = 0
    /// TCP payload bytes, each counted once.
    public var bytes: UInt64 = 0
    /// TCP payload bytes that came again.
    public var retransmittedBytes: UInt64 = 0

    /// Nothing.
    public init() {}

    init(_ entry: flow_entry) {
        packets = entry.packets
        bytes = entry.sentBytes
        retransmittedBytes = entry.bytes > bytes ? entry.bytes - bytes : 0
    }
}

extension FlowState {
    init(abi state: UInt8) {
        switch UInt32(state) {
        case FLOW_CONNECTING.rawValue: self = .connecting
        case FLOW_ESTABLISHED.rawValue: self = .established
        case FLOW_CLOSING.rawValue: self = .closing
        case FLOW_CLOSED.rawValue: self = .closed
        default: self = .reset
        }
    }
}

extension KernelDatapath {
    /// The row of packets from `client`, or nil. One system call.
    public func upstreamRow(of client: FlowTuple) -> SpliceRow? {
        let key = client.abi
        return flows.value(of: key).map { SpliceRow(key, $0) }
    }

    /// The row of packets from the endpoint of `upstream` (balancer → endpoint), or nil.
    public func downstreamRow(of upstream: FlowTuple) -> SpliceRow? {
        let key = upstream.reversed.abi
        return flows.value(of: key).map { SpliceRow(key, $0) }
    }

    /// Whether packets with this tuple have a row. One system call.
    public func hasRow(of tuple: FlowTuple) -> Bool { flows.value(of: tuple.abi) != nil }

    /// Removes both flows of a splice, but for one whose tuple serves another connection by now.
    public func remove(client: FlowTuple, upstream: FlowTuple, createdNanoseconds: UInt64) {
        if let row = upstreamRow(of: client), row.createdNanoseconds == createdNanoseconds {
            flows.remove(client.abi)
        }
        if let row = downstreamRow(of: upstream), row.createdNanoseconds == createdNanoseconds {
            flows.remove(upstream.reversed.abi)
        }
    }

    /// Removes one row, unless its tuple serves another connection by now.
    public func remove(_ row: SpliceRow) {
        let key = row.isUpstream ? row.client.abi : row.upstream.reversed.abi
        guard flows.value(of: key)?.created_ns == row.createdNanoseconds else { return }
        flows.remove(key)
    }

    /// All rows, in the map's order, both directions.
    public func forEachRow(_ body: (SpliceRow) -> Void) throws {
        try flows.forEachBatch { keys, entries in
            for index in 0..<keys.count { body(SpliceRow(keys[index], entries[index])) }
        }
    }

    /// Handshakes whose client completed them and then said nothing for `nanoseconds`.
    public func silentClients(since limit: UInt64) -> [(client: FlowTuple, note: HandshakeNote)] {
        var silent: [(client: FlowTuple, note: HandshakeNote)] = []
        let wanted = HANDSHAKE_FLAG_ACKED.rawValue
        let mask = wanted | HANDSHAKE_FLAG_DATA.rawValue
        try? handshakes.forEachBatch { keys, notes in
            for index in 0..<keys.count
            where UInt32(notes[index].flags) & mask == wanted && notes[index].created_ns < limit {
                silent.append((FlowTuple(keys[index]), HandshakeNote(notes[index])))
            }
        }
        return silent
    }

    /// Handshakes of these listeners that were begun in a time and not completed yet, at most so
    /// many.
    public func halfOpenClients(
        of wanted: Set<UInt16>, begun: Range<UInt64>, atMost limit: Int
    ) -> [(client: FlowTuple, note: HandshakeNote)] {
        var found: [(client: FlowTuple, note: HandshakeNote)] = []
        try? handshakes.forEachBatch { keys, notes in
            for index in 0..<keys.count
            where UInt32(notes[index].flags) & HANDSHAKE_FLAG_ACKED.rawValue == 0
                && begun.contains(notes[index].created_ns) && wanted.contains(notes[index].listener)
                && found.count < limit
            {
                found.append((FlowTuple(keys[index]), HandshakeNote(notes[index])))
            }
        }
        return found
    }

    /// Forgets a handshake.
    public func forgetHandshake(of client: FlowTuple) { handshakes.remove(client.abi) }
}
