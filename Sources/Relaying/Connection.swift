// SPDX-License-Identifier: Apache-2.0

import KernelSockets
import TLSClassifier
import WireTypes

/// One end of a connection: a socket and what epoll said of it. Used on the relay's thread only.
final class Side {
    var socket: TCPSocket
    /// A read may bring something. Cleared when the kernel has nothing more.
    var isReadable = false
    /// A write may take something. Cleared when the kernel takes nothing more.
    var isWritable = false
    /// FIN came: reads must go on until they say so, no new event will.
    var peerClosed = false
    /// Urgent data came: reads stop short of it, and splice(2) never passes it.
    var hasUrgentData = false
    /// RST came, or the kernel gave up.
    var hasFailed = false

    init(_ socket: consuming TCPSocket) { self.socket = socket }

    /// A call failed: what was received before can still be read, and then the end is seen.
    func fail() {
        hasFailed = true
        isReadable = true
    }

    func note(_ readiness: Readiness) {
        if readiness.contains(.urgent) { hasUrgentData = true }
        if readiness.contains(.peerClosed) || readiness.contains(.hungUp) { peerClosed = true }
        if readiness.contains(.failed) { hasFailed = true }
        let wakesReader: Readiness = [.readable, .peerClosed, .hungUp, .failed, .urgent]
        if !readiness.isDisjoint(with: wakesReader) { isReadable = true }
        if !readiness.isDisjoint(with: [.writable, .failed, .hungUp]) { isWritable = true }
    }
}

/// One direction of a relayed connection: what was read and not yet written. In order: `pending`,
/// then `pipe`; it is filled only when both are empty, which is the back-pressure.
struct Stream {
    /// Bytes in our memory: the hello, or what the sink did not take at once.
    var pending: [UInt8] = []
    var pendingOffset = 0
    /// How many bytes at the front of `pending` are ours, and not counted.
    var ownedCount = 0
    /// Holds spliced pages while the sink cannot take them.
    var pipe: PooledPipe?
    /// The last read filled its buffer: splice(2) pays.
    var isBulk = false
    /// The source has no more: FIN or failure.
    var hasEnded = false
    /// Everything was written, and FIN behind it; or the sink is gone.
    var isFinished = false
    /// Bytes written.
    var bytes: UInt64 = 0

    var isEmpty: Bool { pending.isEmpty && pipe == nil }

    /// Puts bytes of ours in front of everything, before any was written.
    mutating func own(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        pending = bytes + pending
        ownedCount = bytes.count
    }
}

/// A client's connection. Used on the relay's thread only.
///
///     accepted, adopted ─▶ classifying ─▶ connecting ─▶ copying ─▶ (gone)
///           │                  │              │            └▶ resetting ─▶ (gone)
///           └──────────────────┴──────────────┴─▶ rejecting ─▶ (gone)
final class Connection {
    enum Phase {
        case classifying
        case connecting
        case copying
        /// Our FIN was sent, waits for the client's.
        case rejecting
        /// One side was reset, the other gets its last bytes and then an RST.
        case resetting
    }

    let id: UInt64
    let tuple: FlowTuple
    let listener: UInt16
    let isAdopted: Bool
    var phase: Phase = .classifying

    let downstream: Side
    var upstream: Side?
    /// Client to endpoint.
    var upward = Stream()
    /// Endpoint to client.
    var downward = Stream()

    var reader: ClientHelloReader?
    /// Whom a PROXY header named; the client itself without one.
    var named: FlowTuple
    /// Such a header is to come before the hello.
    var awaitsPreface = false
    /// How its first bytes are dealt with.
    var manner = RelayManner()
    /// It has said nothing yet, and has its deadline for that.
    var awaitsFirstByte = false
    var plan: RelayPlan?
    /// Candidates tried.
    var attempts = 0
    /// The last of them.
    var candidate: RelayCandidate?
    /// What the observer is told; nil before a plan.
    var report: RelayedConnection?
    /// The observer has not heard of the last bytes.
    var isUnreported = false
    /// Stands in the loop's list of those that used up their turn.
    var isQueued = false
    /// CLOCK_MONOTONIC nanoseconds; nil: none. The queue of deadlines may hold older ones.
    var deadline: UInt64?
    /// When one side was found reset and the other had bytes to get; CLOCK_MONOTONIC nanoseconds.
    var resetStarted: UInt64 = 0
    /// Bytes thrown away while rejecting.
    var discarded = 0
    /// For the word of its end: what ended it, if that was not its sides; and which of them was first.
    var ending: RelayEnding?
    var closedFirst: RelayEnding?
    /// Adopted to be turned away, and nothing else.
    var isOnlyRejected = false
    /// CLOCK_MONOTONIC nanoseconds: when it was made, an endpoint was asked last, and one accepted.
    let began: UInt64
    var asked: UInt64?
    var connected: UInt64?

    init(
        id: UInt64, tuple: FlowTuple, listener: UInt16, isAdopted: Bool, downstream: Side,
        began: UInt64
    ) {
        self.began = began
        self.id = id
        self.tuple = tuple
        named = tuple
        self.listener = listener
        self.isAdopted = isAdopted
        self.downstream = downstream
    }
}
