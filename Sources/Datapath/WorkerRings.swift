// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
public import KernelBPF
internal import Synchronization
public import WireTypes

/// A client's bytes that nobody acknowledged yet.
public struct HelloRecord: Sendable {
    /// Client → listener.
    public let tuple: FlowTuple
    /// What the SYN said; nil when a flow is connecting already.
    public let note: HandshakeNote?
    /// The connecting flow's creation time; 0 when there is none.
    public let createdNanoseconds: UInt64
    /// Sequence number of the first byte.
    public let sequence: UInt32
    /// TSval of the segment; 0 without.
    public let timestamp: UInt32
    /// TSecr of the segment; 0 without.
    public let timestampEcho: UInt32
    /// Window as on the wire, unscaled.
    public let window: UInt16
    /// Whether the segment carries urgent data.
    public let isUrgent: Bool
    /// Whether the segment carries a FIN.
    public let isFinal: Bool
    /// Whether its TCP checksum is wrong: no byte of it may be believed.
    public let isDamaged: Bool
}

/// What happened to a flow.
public struct FlowRecord: Sendable, Equatable {
    /// Kinds of events.
    public enum Kind: Sendable, Equatable {
        /// The endpoint answered the SYN with RST.
        case refused
        /// … with an ACK of something else: it remembers the tuple.
        case challenged
        /// … with a SYN-ACK that lacks an option that the client was promised.
        case optionsRefused
        /// The splice stands.
        case established
        /// FINs both ways, both acknowledged.
        case closed
        /// An RST passed.
        case reset
        /// The client reset before the flow stood.
        case abandoned
        /// The other direction's row was evicted.
        case orphaned
        /// A client's segment of no flow and no handshake.
        case stray
    }

    /// The event.
    public let kind: Kind
    /// Client → listener.
    public let client: FlowTuple
    /// Balancer → endpoint; nil for `abandoned` and `stray`.
    public let upstream: FlowTuple?
    /// The flow's creation time; 0 when there was none.
    public let createdNanoseconds: UInt64
    /// Sequence number of the packet.
    public let sequence: UInt32
    /// Its acknowledgement.
    public let acknowledgement: UInt32
    /// MSS of the endpoint's SYN-ACK, when `established`.
    public let mss: UInt16
    /// Whether the packet came from the endpoint.
    public var isFromEndpoint = false
    /// Whether the ring had no room for it when the flow ended: it is told by the SYN of the client's
    /// next connection.
    public var isLate = false
    /// Whether the side that the packet came from sent a FIN before the other one did.
    public var closedFirst = false
    /// Whether the flow is of a plain listener: no daemon began it.
    public var isPlain = false
    /// Whether it is an RST of ours, by which `flowdump kill` ended the flow.
    public var isOurs = false
    /// How old the flow was, in microseconds; nil when nobody said, or past 71 minutes.
    public var ageMicroseconds: UInt32?
}

/// The rings of one worker: one that wakes it, and one that it reads when it is awake.
public struct WorkerRings: ~Copyable, Sendable {
    private let waking: RingBuffer
    private let quiet: RingBuffer
    private let datapath: KernelDatapath
    private let worker: Int

    /// Creates the rings of `worker` and makes them known to the datapath.
    public init(_ datapath: KernelDatapath, worker: Int, size: Int = 1 << 20) throws(BPFError) {
        let waking = try RingBuffer(name: "ring_\(worker)", size: size)
        let quiet = try RingBuffer(name: "quiet_\(worker)", size: size)
        try datapath.rings.set(UInt32(worker), to: waking.number)
        try datapath.rings.set(UInt32(worker) + WORKERS_MAX, to: quiet.number)
        self.waking = waking
        self.quiet = quiet
        self.datapath = datapath
        self.worker = worker
        setAwake(false)
    }

    deinit { setAwake(false) }

    /// From here on records do not wake the worker, until it says that it sleeps.
    public func wake() { setAwake(true) }

    /// Whether the worker may sleep: from here on the next record wakes it. False: one came
    /// before, perhaps without waking it, and must be read first.
    public func maySleep() -> Bool {
        setAwake(false)
        // As the datapath's: write what the other reads, then read what the other writes.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return !waking.hasRecords
    }

    /// Whether a record waits that a sleeping worker would be woken for.
    public var haveRecords: Bool { waking.hasRecords }

    private func setAwake(_ isAwake: Bool) {
        datapath.workerStates.withElement(worker) { state in
            // The first field of worker_state; 32 bits are written at once.
            state.storeBytes(of: isAwake ? 1 : 0, toByteOffset: 0, as: UInt32.self)
        }
    }

    /// The descriptor to poll for reading.
    public var number: Int32 { waking.number }

    /// Reads what waited for the worker to be awake; how many records there were.
    public func drainQuiet(opened: (OpenedRecord) -> Void, flow: (FlowRecord) -> Void) -> Int {
        quiet.drain { bytes in
            // As in `read`.
            let head = unsafe bytes.unsafeLoad(as: record_head.self)
            if UInt32(head.kind) == RECORD_OPENED.rawValue {
                opened(OpenedRecord(unsafe bytes.unsafeLoad(as: opened_record.self)))
            } else {
                Self.read(bytes, hello: { _, _ in }, flow: flow)
            }
        }
    }

    /// Reads what wakes the worker; how many records there were.
    public func drainWaking(
        hello: (HelloRecord, Span<UInt8>) -> Void, flow: (FlowRecord) -> Void
    ) -> Int {
        waking.drain { bytes in Self.read(bytes, hello: hello, flow: flow) }
    }

    private static func read(
        _ bytes: RawSpan, hello: (HelloRecord, Span<UInt8>) -> Void, flow: (FlowRecord) -> Void
    ) {
        // Every record begins with its head, and is of the length that its kind has: written by
        // our own program. Loads are of plain old data.
        let head = unsafe bytes.unsafeLoad(as: record_head.self)
        if UInt32(head.kind) == RECORD_HELLO.rawValue {
            let record = unsafe bytes.unsafeLoad(as: hello_record.self)
            let start = MemoryLayout<hello_record>.size
            let payload = bytes.extracting(start..<start + Int(head.length))
            unsafe payload.withUnsafeBytes { payload in
                // Bound for the call only; bytes have no alignment.
                let typed = unsafe payload.bindMemory(to: UInt8.self)
                let span = unsafe typed.span
                hello(HelloRecord(record, isDamaged: record.isDamaged(span)), span)
            }
        } else if UInt32(head.kind) == RECORD_ABANDONED.rawValue
            || UInt32(head.kind) == RECORD_STRAY.rawValue
        {
            let record = unsafe bytes.unsafeLoad(as: hello_record.self)
            flow(FlowRecord(client: record))
        } else {
            let record = unsafe bytes.unsafeLoad(as: flow_record.self)
            if let event = FlowRecord(record) { flow(event) }
        }
    }
}

extension HelloRecord {
    fileprivate init(_ record: hello_record, isDamaged: Bool) {
        self.isDamaged = isDamaged
        tuple = FlowTuple(record.tuple)
        createdNanoseconds = record.created_ns
        note = record.created_ns == 0 ? HandshakeNote(record.note) : nil
        sequence = record.seq
        timestamp = record.tsval
        timestampEcho = record.tsecr
        window = UInt16(truncatingIfNeeded: record.window)
        isUrgent = record.head.tcp_flags & 0x20 != 0
        isFinal = record.head.tcp_flags & 0x01 != 0
    }
}

extension FlowRecord {
    fileprivate init(client record: hello_record) {
        kind = UInt32(record.head.kind) == RECORD_STRAY.rawValue ? .stray : .abandoned
        client = FlowTuple(record.tuple)
        upstream = nil
        createdNanoseconds = record.created_ns
        sequence = record.seq
        acknowledgement = record.ack
        mss = 0
    }

    fileprivate init?(_ record: flow_record) {
        switch UInt32(record.head.kind) {
        case RECORD_REFUSED.rawValue: kind = .refused
        case RECORD_CHALLENGED.rawValue: kind = .challenged
        case RECORD_OPTIONS.rawValue: kind = .optionsRefused
        case RECORD_ESTABLISHED.rawValue: kind = .established
        case RECORD_CLOSED.rawValue: kind = .closed
        case RECORD_RESET.rawValue, RECORD_KILLED.rawValue: kind = .reset
        case RECORD_ORPHANED.rawValue: kind = .orphaned
        default: return nil
        }
        let tuple = FlowTuple(record.tuple)
        let rewrite = FlowTuple(record.rewrite)
        // Packets of either direction end a flow; both are told as client and upstream.
        let isUpstream = UInt32(record.flow_flags) & FLOW_FLAG_UPSTREAM.rawValue != 0
        client = isUpstream ? tuple : rewrite.reversed
        upstream = isUpstream ? rewrite : tuple.reversed
        createdNanoseconds = record.created_ns
        sequence = record.seq
        acknowledgement = record.ack
        mss = record.mss
        isFromEndpoint = !isUpstream
        isPlain = UInt32(record.flow_flags) & FLOW_FLAG_PLAIN.rawValue != 0
        isLate =
            [.closed, .reset].contains(kind) && UInt32(record.head.tcp_flags) & 0x02 != 0
        closedFirst = UInt32(record.flow_flags) & FLOW_FLAG_FIN_FIRST.rawValue != 0
        isOurs = UInt32(record.head.kind) == RECORD_KILLED.rawValue
        ageMicroseconds = record.age_us == .max ? nil : record.age_us
    }
}

extension hello_record {
    /// Whether header, pseudo-header and payload do not add up (RFC 9293 §3.1).
    ///
    /// A packet of this host (veth, or put together by GRO) carries the sum of its pseudo-header
    /// alone, for a device to complete (CHECKSUM_PARTIAL): nothing can have damaged it yet.
    fileprivate func isDamaged(_ payload: Span<UInt8>) -> Bool {
        guard header_sum != 0 else { return false }
        let tuple = FlowTuple(self.tuple)
        var sum = InternetChecksum()
        sum.add(tuple.source.address)
        sum.add(tuple.destination.address)
        sum.add(UInt16(6))
        sum.add(UInt16(truncatingIfNeeded: Int(header_size) + payload.count))
        if sum.folded == UInt16(bigEndian: check) { return false }
        // The header's sum is of words as they lie in memory; its halves are such words too.
        sum.add(UInt16(truncatingIfNeeded: header_sum).bigEndian)
        sum.add(UInt16(truncatingIfNeeded: header_sum >> 16).bigEndian)
        sum.add(words: payload)
        return sum.folded != 0xffff
    }
}
