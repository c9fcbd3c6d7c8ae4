// SPDX-License-Identifier: Apache-2.0

internal import Balancing
public import ConnectionLogging
public import Datapath
internal import TLSClassifier
internal import WireTypes

/// What the connection log will say of a splice that stands, and whether it has said it: each is told
/// of once, though its end may be told more than once.
struct SpliceNote {
    let client: FlowTuple
    let createdNanoseconds: UInt64
    let listener: UInt16
    let cluster: UInt16
    var serverNameID: UInt32 = 0
    var facts = ConnectionFacts()
    var isWritten = false
    /// After an RST, which traffic may still refute.
    var held: HeldRecord?
}

/// In a box: few splices have one.
final class HeldRecord {
    let record: ConnectionRecord
    init(_ record: ConnectionRecord) { self.record = record }
}

/// A splice that the sweeper ends, or found to be over.
public struct SpliceEnd: Sendable {
    /// How it ended.
    public var end: ConnectionEnd
    /// Either direction's row.
    public var row: SpliceRow
    /// The other one's.
    public var peer: SpliceRow?
    /// Whether an RST that was seen tells more.
    var isGuess = false
}

/// The connection log of splices. Without a log each of these costs one comparison.
extension Splicer where Kernel: ~Copyable {
    /// A FIN or an RST ended a splice.
    mutating func logEvent(_ event: FlowRecord, _ upstream: FlowTuple, _ target: Int, now: UInt64) {
        guard let log else { return }
        let key = SeatKey(upstream.source, target)
        let rows = rows(event.client, upstream, created: event.createdNanoseconds)
        var note = note(key, created: event.createdNanoseconds) ?? SpliceNote(event, rows.up)
        if note.isWritten { return }
        var record = note.record(end(of: event, rows.up, rows.down), upstream, ended: now)
        record.note(rows.up, rows.down)
        if let age = event.ageMicroseconds {
            record.ended = event.createdNanoseconds + UInt64(age) * 1000
        }
        if event.kind == .closed {
            note.isWritten = true
            note.held = nil
            log.append(record)
        } else {
            note.held = HeldRecord(record)
        }
        notes[key] = note
    }

    /// What the sweeper has to say.
    mutating func logReport(_ report: SpliceEnd, now: UInt64) {
        let row = report.row
        guard let log, let target = targetIndex[row.upstream.destination] else { return }
        let key = SeatKey(row.upstream.source, target)
        guard var note = note(key, created: row.createdNanoseconds), !note.isWritten,
            note.held == nil || !report.isGuess
        else { return }
        var record = note.record(report.end, row.upstream, ended: now)
        record.note(row, report.peer)
        log.append(record)
        note.isWritten = true
        note.held = nil
        notes[key] = note
    }

    /// A stray segment of its endpoint says that the kernel has no row of the splice any more.
    mutating func logEviction(_ upstream: FlowTuple, now: UInt64) {
        guard let log, let target = targetIndex[upstream.destination] else { return }
        let key = SeatKey(upstream.source, target)
        guard let note = notes[key], !note.isWritten, note.held == nil,
            kernel.downstreamRow(of: upstream) == nil,
            kernel.upstreamRow(of: note.client)?.createdNanoseconds != note.createdNanoseconds
        else { return }
        log.append(note.record(.evicted, upstream, ended: now))
        notes[key] = nil
        release(upstream, note.createdNanoseconds, target: target)
    }

    /// An endpoint answered.
    mutating func logEstablished(_ client: PendingClient, after age: UInt32?) {
        guard log != nil, let splice = client.splice else { return }
        var note = SpliceNote(
            client: splice.client, createdNanoseconds: splice.createdNanoseconds,
            listener: client.note.listener, cluster: splice.cluster)
        note.facts = client.facts
        note.facts.attempts = UInt8(clamping: client.attempts)
        note.facts.connectMicroseconds = age
        if let age, client.classifiedAt > 0 {
            note.facts.handoffMicroseconds = .microseconds(
                from: client.classifiedAt, to: splice.createdNanoseconds + UInt64(age) * 1000)
        }
        logReplaced(splice.upstream, client.target)
        notes[SeatKey(splice.upstream.source, client.target)] = note
    }

    /// A splice stands of which no client is known here.
    mutating func logStranger(_ event: FlowRecord) {
        guard log != nil, let upstream = event.upstream,
            let target = targetIndex[upstream.destination]
        else { return }
        let key = SeatKey(upstream.source, target)
        guard note(key, created: event.createdNanoseconds) == nil,
            let row = rows(event.client, upstream, created: event.createdNanoseconds).up
        else { return }
        logReplaced(upstream, target)
        var note = SpliceNote(row)
        note.facts.connectMicroseconds = event.ageMicroseconds
        notes[key] = note
    }

    /// A splice of an earlier daemon, which may be over since.
    mutating func logAdopted(_ row: SpliceRow, _ target: Int) {
        guard let log, row.state != .connecting else { return }
        let key = SeatKey(row.upstream.source, target)
        var note = SpliceNote(row)
        defer { notes[key] = note }
        guard row.state == .closed || row.state == .reset else { return }
        let peer = kernel.downstreamRow(of: row.upstream)
        var record = note.record(
            ConnectionEnd(row, peer), row.upstream, ended: row.lastSeenNanoseconds)
        record.note(row, peer)
        if row.state == .closed {
            log.append(record)
            note.isWritten = true
        } else {
            note.held = HeldRecord(record)
        }
    }

    /// The port of a splice is free: what was held back is true.
    mutating func logRelease(_ upstream: FlowTuple, _ created: UInt64, _ target: Int?) {
        guard let log, let target else { return }
        let key = SeatKey(upstream.source, target)
        guard let note = note(key, created: created) else { return }
        notes[key] = nil
        if note.isWritten { return }
        if let held = note.held { return log.append(held.record) }
        // Everyone who ends a splice says so first.
        log.append(note.record(.unknown, upstream, ended: note.createdNanoseconds))
    }

    /// Its client has the tuple for another connection already.
    mutating func logReplaced(_ upstream: FlowTuple, _ target: Int) {
        guard let old = notes[SeatKey(upstream.source, target)] else { return }
        logRelease(upstream, old.createdNanoseconds, target)
    }

    /// Another worker saw the end of a splice whose port is this one's.
    mutating func forgetNote(_ source: TransportAddress, _ target: Int) {
        if !notes.isEmpty { notes[SeatKey(source, target)] = nil }
    }

    /// The worker stops.
    mutating func logHeld() {
        guard let log else { return }
        for note in notes.values { if let held = note.held { log.append(held.record) } }
    }

    private func note(_ key: SeatKey, created: UInt64) -> SpliceNote? {
        guard let note = notes[key], note.createdNanoseconds == created else { return nil }
        return note
    }

    private func rows(
        _ client: FlowTuple, _ upstream: FlowTuple, created: UInt64
    ) -> (up: SpliceRow?, down: SpliceRow?) {
        let rows = (kernel.upstreamRow(of: client), kernel.downstreamRow(of: upstream))
        return (
            rows.0?.createdNanoseconds == created ? rows.0 : nil,
            rows.1?.createdNanoseconds == created ? rows.1 : nil
        )
    }

    private func end(of event: FlowRecord, _ up: SpliceRow?, _ down: SpliceRow?) -> ConnectionEnd {
        if event.isOurs { return .killed }
        // The packet is another connection's, and the rows may be gone.
        if event.isLate, event.kind == .reset { return .reset }
        if event.isLate { return event.closedFirst ? .finClient : .finEndpoint }
        if event.kind == .reset { return event.isFromEndpoint ? .rstEndpoint : .rstClient }
        if up?.closedFirst == true { return .finClient }
        if down?.closedFirst == true { return .finEndpoint }
        // Whoever closes first acknowledges last, unless both did at once.
        return event.isFromEndpoint ? .finEndpoint : .finClient
    }
}

extension SpliceNote {
    /// As much as a row knows.
    init(_ row: SpliceRow) {
        self.init(
            client: row.client, createdNanoseconds: row.createdNanoseconds, listener: row.listener,
            cluster: row.cluster)
        serverNameID = row.serverName
        facts.began = row.createdNanoseconds
    }

    fileprivate init(_ event: FlowRecord, _ row: SpliceRow?) {
        if let row {
            self.init(row)
        } else {
            self.init(
                client: event.client, createdNanoseconds: event.createdNanoseconds, listener: 0,
                cluster: 0)
        }
    }

    fileprivate func record(
        _ end: ConnectionEnd, _ upstream: FlowTuple, ended: UInt64
    ) -> ConnectionRecord {
        var record = ConnectionRecord(
            client: client, listener: listener, mode: .spliced, end: end, ended: ended)
        record.facts = facts
        record.cluster = cluster
        record.upstream = upstream
        record.serverNameID = serverNameID
        return record
    }
}

extension ConnectionRecord {
    /// What the rows of both directions say.
    fileprivate mutating func note(_ one: SpliceRow?, _ other: SpliceRow?) {
        for row in [one, other].compactMap(\.self) {
            if row.isUpstream { sent = row.totals } else { received = row.totals }
        }
    }
}

extension ConnectionEnd {
    /// As the rows of a splice tell that is over.
    init(_ row: SpliceRow, _ peer: SpliceRow?) {
        guard row.state == .closed else {
            self = row.state == .reset ? .reset : .unknown
            return
        }
        let wasFirst = row.closedFirst ?? peer?.closedFirst.map { !$0 }
        let wasOther = peer?.closedFirst == true
        if wasFirst == true {
            self = row.isUpstream ? .finClient : .finEndpoint
        } else {
            self = wasOther ? (row.isUpstream ? .finEndpoint : .finClient) : .unknown
        }
    }
}
