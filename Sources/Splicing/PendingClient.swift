// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import ConnectionLogging
internal import Datapath
internal import KernelSockets
internal import TLSClassifier
internal import WireTypes

/// A client between its hello's first byte and the endpoint's answer. Reused: nothing is allocated
/// for a connection in the steady state.
///
///     reading ── hello whole ──▶ connecting ── established ──▶ forgotten
///        │       (end of round)   │      ▲
///        │ trickled, late,        │      │ refused, challenged, timed out: next endpoint or port
///        ▼ rejected               ▼      │
///     relay                     relay ◀──┴── none left: turned away
final class PendingClient {
    var client: FlowTuple
    var note: HandshakeNote
    var assembly: HelloAssembly
    var reader: ClientHelloReader
    /// When its first byte came; CLOCK_MONOTONIC nanoseconds.
    var since: UInt64
    /// Since when it could say something to its endpoint: from then on, or from when its PROXY header
    /// was whole.
    var heardSince: UInt64
    /// TSval, TSecr and window of the segment that came last.
    var timestamp: UInt32 = 0
    var timestampEcho: UInt32 = 0
    var window: UInt16 = 0

    /// Whether a PROXY header is to come first, and how long it was.
    var awaitsPreface = false
    var prefaceLength = 0
    /// Whom the header named; the client itself without one.
    var origin: FlowTuple

    /// Whether its hello is whole, and the endpoint is picked at the end of the round: what else of
    /// the client lies in the ring goes into the template as well.
    var isClassified = false
    /// The attempt under way; nil while reading.
    var splice: Splice?
    /// Segments that came while an endpoint was asked.
    var late: [LateSegment] = []
    /// Its place in the snapshot; nil: its configuration is gone, and with it the cluster.
    var cluster: Int?
    var target = 0
    /// The endpoint picked last, by its place in the cluster; nil: none, or it is there no more.
    var endpoint: Int?
    var serverName: ServerName?
    var tried = TriedEndpoints()
    /// Ports that one endpoint challenged.
    var challenges = 0
    /// Attempts so far, and whether silence ended one: then another round is worth it.
    var attempts = 0
    var sawTimeout = false
    /// What the connection log will say; untouched without one.
    var facts = ConnectionFacts()
    /// Whether the attempt under way is the datapath's.
    var isOpened = false
    /// Whether its cluster is not that of its route, in which no endpoint serves.
    var isRerouted = false
    /// When the hello was whole, for the same.
    var classifiedAt: UInt64 = 0
    /// The splicer's round in which the attempt was made.
    var round: UInt64 = 0
    var deadline: UInt64 = 0
    var lastSYN: UInt64 = 0

    init(client: FlowTuple, note: HandshakeNote, limit: Int, now: UInt64) {
        self.client = client
        origin = client
        self.note = note
        assembly = HelloAssembly(start: note.clientISN &+ 1)
        reader = ClientHelloReader(limit: limit)
        since = now
        heardSince = now
    }

    /// Whether its first byte is that of a TLS handshake record.
    var speaksTLS: Bool { hello.first == 22 }

    /// What it said so far, without the PROXY header in front.
    var hello: ArraySlice<UInt8> { assembly.bytes[prefaceLength...] }

    /// Whether it waits for its endpoint to speak, and nothing of it can be repeated.
    var isSilent: Bool { assembly.bytes.isEmpty }

    /// Whether it said nothing to its endpoint yet, and may wait for that to speak.
    var mayAwaitEndpoint: Bool { !awaitsPreface && hello.isEmpty }

    /// Begins with another client; after `clear`.
    func begin(client: FlowTuple, note: HandshakeNote, limit: Int, now: UInt64) {
        self.client = client
        origin = client
        self.note = note
        assembly.reset(start: note.clientISN &+ 1)
        reader = ClientHelloReader(limit: limit)
        since = now
        heardSince = now
    }

    /// Forgets the client: what takes time is done here, where nobody waits.
    func clear() {
        reader = ClientHelloReader()
        awaitsPreface = false
        prefaceLength = 0
        isClassified = false
        splice = nil
        late = []
        cluster = nil
        endpoint = nil
        serverName = nil
        tried = TriedEndpoints()
        challenges = 0
        attempts = 0
        sawTimeout = false
        isOpened = false
        isRerouted = false
    }

    /// Whether a note, or that there is none since a flow exists, is of the same handshake.
    func continues(_ other: HandshakeNote?) -> Bool {
        guard let other else { return true }
        return other.clientISN == note.clientISN && other.cookie == note.cookie
    }

    /// The connection as a kernel socket would have it.
    func adopted(now: UInt64) -> AdoptedConnection {
        var connection = note.adopted(client, timestamp: timestamp, now: now)
        connection.received = assembly.bytes
        if prefaceLength > 0 {
            // As if the socket had received and read it.
            connection.received = Array(hello)
            connection.clientNext &+= UInt32(prefaceLength)
            connection.named = origin
        }
        connection.clientWindow = UInt32(window) << UInt32(note.clientScale)
        return connection
    }
}

extension HandshakeNote {
    /// The connection of a client that has said nothing yet.
    func adopted(_ client: FlowTuple, timestamp: UInt32 = 0, now: UInt64) -> AdoptedConnection {
        var connection = AdoptedConnection(
            tuple: client, clientNext: clientISN &+ 1, ourNext: cookie &+ 1)
        connection.mss = mss
        connection.hasSACK = hasSACK
        if hasWindowScale {
            connection.clientScale = clientScale
            connection.ourScale = ourScale
        }
        if hasTimestamps {
            // A worker reads its clock before its ring: the note may be younger.
            let age = now > createdNanoseconds ? now - createdNanoseconds : 0
            let elapsed = UInt32(truncatingIfNeeded: age / 1_000_000)
            connection.timestamps = .init(
                peerValue: timestamp, ourValue: self.timestamp &+ elapsed)
        }
        return connection
    }
}
