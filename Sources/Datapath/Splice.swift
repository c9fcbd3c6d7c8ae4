// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
public import WireTypes

/// What the client agreed on in its handshake, as the datapath noted it.
public struct HandshakeNote: Sendable, Equatable {
    /// The client's initial sequence number.
    public var clientISN: UInt32
    /// Ours towards the client: the SYN cookie.
    public var cookie: UInt32
    /// Our TSval in the SYN-ACK.
    public var timestamp: UInt32
    /// The client's MSS.
    public var mss: UInt16
    /// Id of the listener.
    public var listener: UInt16
    /// The window scale the client offered; 0 without.
    public var clientScale: UInt8
    /// The window scale we told it; 0 without.
    public var ourScale: UInt8
    /// Whether timestamps, SACK and window scaling were agreed on.
    public var hasTimestamps: Bool
    /// Whether SACK was agreed on.
    public var hasSACK: Bool
    /// Whether window scaling was agreed on.
    public var hasWindowScale: Bool
    /// CLOCK_MONOTONIC nanoseconds of the SYN.
    public var createdNanoseconds: UInt64
    /// Index of the interface where the client came in; 0: not known.
    public var interface: UInt32

    /// A note with no options.
    public init(clientISN: UInt32, cookie: UInt32, listener: UInt16) {
        self.clientISN = clientISN
        self.cookie = cookie
        self.listener = listener
        timestamp = 0
        mss = 536
        clientScale = 0
        ourScale = 0
        hasTimestamps = false
        hasSACK = false
        hasWindowScale = false
        createdNanoseconds = 0
        interface = 0
    }

    init(_ note: handshake_note) {
        self.init(clientISN: note.client_isn, cookie: note.cookie, listener: note.listener)
        let flags = UInt32(note.flags)
        timestamp = note.tsval
        mss = note.mss
        clientScale = note.scale
        ourScale = note.our_scale
        hasTimestamps = flags & HANDSHAKE_FLAG_TIMESTAMPS.rawValue != 0
        hasSACK = flags & HANDSHAKE_FLAG_SACK.rawValue != 0
        hasWindowScale = flags & HANDSHAKE_FLAG_WINDOW_SCALE.rawValue != 0
        createdNanoseconds = note.created_ns
        interface = note.ifindex
    }
}

/// Where a ClientHello lies in the templates.
public struct TemplateReference: Sendable, Equatable {
    /// The first slot.
    public var slot: UInt32 = 0
    /// The first slot's stamp; the next ones' are 2 more each.
    public var stamp: UInt32 = 0
    /// How many segments; 0: no template, the client's own repetition brings the hello.
    public var segments: UInt16 = 0
    /// Bytes in all.
    public var length: UInt32 = 0

    /// No template.
    public init() {}
}

/// Everything that is known of a splice before the endpoint's SYN-ACK.
public struct Splice: Sendable, Equatable {
    /// Client → listener, as the client's packets arrive.
    public var client: FlowTuple
    /// Balancer → endpoint, as they leave.
    public var upstream: FlowTuple
    /// The client's handshake.
    public var note: HandshakeNote
    /// Our initial sequence number towards the endpoint.
    public var isn: UInt32
    /// The client's TSval in the hello; 0 without timestamps.
    public var clientTimestamp: UInt32
    /// The client's window in the hello, unscaled as on the wire.
    public var clientWindow: UInt16
    /// The worker that owns the source port; of 64 at most.
    public var worker: UInt16
    /// Id of the cluster in the name table.
    public var cluster: UInt16
    /// Index of the endpoint in it.
    public var endpoint: UInt16
    /// Id of the SNI in the server name table, 0 = none.
    public var serverName: UInt32
    /// CLOCK_MONOTONIC nanoseconds; with the tuple it names one connection.
    public var createdNanoseconds: UInt64
    /// Bytes of ours in front of the client's first byte, in the template too.
    public var ownedLength: UInt16
    /// Bytes at the front of the client's stream that the endpoint does not get: a PROXY header. The
    /// client's first acknowledgement covers them, and what the template has.
    public var prefaceLength: UInt32
    /// The hello, with the owned bytes in front and without the preface.
    public var template: TemplateReference

    /// A splice without a template and names.
    public init(client: FlowTuple, upstream: FlowTuple, note: HandshakeNote, isn: UInt32) {
        self.client = client
        self.upstream = upstream
        self.note = note
        self.isn = isn
        clientTimestamp = 0
        clientWindow = 0
        worker = 0
        cluster = 0
        endpoint = 0
        serverName = 0
        createdNanoseconds = 0
        ownedLength = 0
        prefaceLength = 0
        template = TemplateReference()
    }

    /// The client's bytes that the template stands for.
    public var helloLength: UInt32 {
        template.length - min(template.length, UInt32(ownedLength)) + prefaceLength
    }
}

extension Splice {
    /// TSval of our SYN to the endpoint: milliseconds of the clock when it began.
    public var synTimestamp: UInt32 { UInt32(truncatingIfNeeded: createdNanoseconds / 1_000_000) }

    /// The entry of packets from client to endpoint; its key is `client`.
    var upstreamEntry: flow_entry {
        var entry = commonEntry
        entry.rewrite = upstream.ends
        entry.seq_delta = isn &- note.clientISN &+ UInt32(ownedLength) &- prefaceLength
        entry.tsval_delta = synTimestamp &- clientTimestamp
        entry.tsecr_delta = 0 &- note.timestamp
        entry.flags |= FLOW_FLAG_UPSTREAM.rawValue
        entry.first_seq = note.clientISN &+ 1
        entry.own_isn = note.cookie
        // Where packets to the client leave if no route is known.
        entry.ingress_ifindex = note.interface
        if ownedLength > 0 { entry.flags |= FLOW_FLAG_OWNED.rawValue }
        return entry
    }

    /// The entry of packets from endpoint to client; its key is `upstream` reversed.
    var downstreamEntry: flow_entry {
        var entry = commonEntry
        entry.rewrite = client.reversed.ends
        entry.ack_delta = note.clientISN &- isn &- UInt32(ownedLength) &+ prefaceLength
        entry.tsecr_delta = clientTimestamp &- synTimestamp
        entry.own_isn = isn
        entry.template_slot = UInt16(template.slot)
        entry.template_stamp = template.stamp
        entry.template_segments = UInt8(template.segments)
        return entry
    }

    private var commonEntry: flow_entry {
        var entry = flow_entry()
        entry.state = UInt8(FLOW_CONNECTING.rawValue)
        entry.flags = flags
        entry.worker = UInt8(worker)
        entry.listener = note.listener
        entry.cluster = cluster
        entry.endpoint = endpoint
        entry.server_name = serverName
        entry.created_ns = createdNanoseconds
        entry.clientScale = note.clientScale
        entry.ourScale = note.ourScale
        entry.client_window = clientWindow
        entry.hello_length = UInt16(helloLength)
        entry.owned_length = ownedLength
        entry.preface_length = UInt16(prefaceLength)
        entry.size_limit = UInt16(SIZE_UNLIMITED)
        return entry
    }

    private var flags: UInt32 {
        var flags: UInt32 = 0
        if note.hasTimestamps { flags |= FLOW_FLAG_TIMESTAMPS.rawValue }
        if note.hasSACK { flags |= FLOW_FLAG_SACK.rawValue }
        if note.hasWindowScale { flags |= FLOW_FLAG_WINDOW_SCALE.rawValue }
        return flags
    }
}
