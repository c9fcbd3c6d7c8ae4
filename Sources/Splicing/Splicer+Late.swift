// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import KernelSockets
internal import WireTypes

/// A client's segment that found its flow neither absent nor standing.
struct LateSegment {
    /// As the client counts.
    var sequence: UInt32
    /// TSval; 0 without timestamps.
    var timestamp: UInt32
    /// TSecr, the same.
    var timestampEcho: UInt32
    /// As on the wire.
    var window: UInt16
    var bytes: [UInt8]

    init(_ record: HelloRecord, _ bytes: Span<UInt8>) {
        sequence = record.sequence
        timestamp = record.timestamp
        timestampEcho = record.timestampEcho
        window = record.window
        self.bytes = bytes.indices.map { bytes[$0] }
    }

    /// What no template could hold.
    init(_ client: PendingClient, from offset: Int) {
        sequence = client.assembly.start &+ UInt32(offset)
        timestamp = client.timestamp
        timestampEcho = client.timestampEcho
        window = client.window
        bytes = Array(client.assembly.bytes[offset...])
    }

    /// Bytes of ours, in front of what the endpoint gets of the client.
    init(owned header: [UInt8], _ first: LateSegment, of row: SpliceRow) {
        self = first
        sequence = row.ownedEnd &- UInt32(header.count) &- row.translation.sequence
        bytes = header
    }

    /// What is at `start` or behind it; nil: nothing.
    func cut(before start: UInt32) -> LateSegment? {
        let ahead = Int(Int32(bitPattern: start &- sequence))
        if ahead <= 0 { return self }
        guard ahead < bytes.count else { return nil }
        var rest = self
        rest.sequence = start
        rest.bytes.removeFirst(ahead)
        return rest
    }

    /// Sequence number behind it.
    var end: UInt32 { sequence &+ UInt32(bytes.count) }
}

/// Clients that send on while their endpoint is asked: early data, a pipelined request. Nobody
/// acknowledges such a segment, and a client that has nothing more to say repeats it only after a
/// retransmission time-out, 200 ms and more. So the daemon sends it on, translated, as soon as the
/// flow stands. Whatever is lost on this way is repeated by the client all the same.
extension Splicer where Kernel: ~Copyable {
    private static var lateLimit: Int { 64 }

    /// Whether clients have late segments: the word that their flows stand comes without a wake-up.
    public var hasLate: Bool { lateClients > 0 }

    /// The hello again, or what follows it.
    mutating func keepLate(
        _ record: HelloRecord, _ bytes: Span<UInt8>, _ client: PendingClient, now: UInt64
    ) {
        guard let splice = client.splice else { return }
        let segment = LateSegment(record, bytes)
        let known = client.note.clientISN &+ 1 &+ splice.helloLength
        let isRepeated = client.late.contains { $0.sequence == segment.sequence }
        if Int32(bitPattern: segment.end &- known) <= 0 || isRepeated {
            return repeatSYN(client, now: now)
        }
        append(segment, client)
    }

    /// A hello that is longer than the largest template.
    mutating func keepRest(_ client: PendingClient, of splice: Splice) {
        let length = Int(splice.helloLength)
        guard length > 0, client.assembly.bytes.count > length else { return }
        let rest = LateSegment(client, from: length)
        if !client.late.contains(where: { $0.sequence == rest.sequence }) { append(rest, client) }
    }

    private mutating func append(_ segment: LateSegment, _ client: PendingClient) {
        guard client.late.count < Self.lateLimit else { return }
        if client.late.isEmpty { lateClients += 1 }
        client.late.append(segment)
    }

    mutating func dropLate(_ client: PendingClient) {
        guard !client.late.isEmpty else { return }
        client.late.removeAll()
        lateClients -= 1
    }

    /// The client's flow stands.
    mutating func sendLate(_ client: PendingClient) {
        guard !client.late.isEmpty else { return }
        if let row = kernel.upstreamRow(of: client.client),
            row.createdNanoseconds == client.splice?.createdNanoseconds
        {
            send(client.late, by: row)
        }
        dropLate(client)
    }

    /// Bytes that were noted before the flow stood, and are read after that.
    mutating func sendOn(_ record: HelloRecord, _ bytes: Span<UInt8>) {
        guard let row = kernel.upstreamRow(of: record.tuple) else { return }
        let isOfFlow =
            record.note.map { $0.clientISN == row.clientISN }
            ?? (record.createdNanoseconds == row.createdNanoseconds)
        if isOfFlow { send([LateSegment(record, bytes)], by: row) }
    }

    /// Those that the endpoint has not acknowledged by now: the client may have been faster.
    private mutating func send(_ late: [LateSegment], by row: SpliceRow) {
        guard row.state == .established || row.state == .closing,
            let answers = kernel.downstreamRow(of: row.upstream)
        else { return }
        if row.ownedLength > 0, Int32(bitPattern: row.ownedEnd &- answers.lastAcknowledgement) > 0 {
            return send(late, behind: ownedBytes(row, answers, late), by: row)
        }
        for segment in late {
            let isNew =
                Int32(bitPattern: segment.end &- row.helloEnd) > 0
                && Int32(bitPattern: segment.end &- answers.forwardedAcknowledgement) > 0
            if isNew { send(segment, by: row) }
        }
    }

    /// Payload that fits through nearly every path (as RFC 4821, 7.2, begins to search).
    private static var baseSegmentSize: Int { 1024 - 40 - 12 }

    /// What the endpoint has not acknowledged of ours comes first: the client cannot repeat it, and
    /// without it nothing of the client counts. On a path that is narrower than we know, the client
    /// hears of it and sends less at a time, but not we: so ours is apart, and all of it small.
    private mutating func send(
        _ late: [LateSegment], behind header: [UInt8], by row: SpliceRow
    ) {
        guard let first = late.first, !header.isEmpty else { return }
        let owned = LateSegment(owned: header, first, of: row)
        send(owned, by: row, atMost: Self.baseSegmentSize)
        // A client that begins with a PROXY header repeats that, too: ours takes its place.
        for segment in late.compactMap({ $0.cut(before: owned.end) }) {
            send(segment, by: row, atMost: Self.baseSegmentSize)
        }
    }

    private mutating func send(_ late: LateSegment, by row: SpliceRow, atMost most: Int = .max) {
        let translation = row.translation
        let headers = row.upstream.source.address.isIPv4 ? 40 : 60
        let limit = translation.sizeLimit.map { $0 - headers - 12 } ?? settings.segmentSize
        let size = max(536 - 12, min(settings.segmentSize, limit, most))
        // Our own acknowledgement of the endpoint's SYN: the client may have said nothing newer.
        for start in stride(from: 0, to: late.bytes.count, by: size) {
            var segment = Segment(
                tuple: row.upstream,
                sequence: late.sequence &+ UInt32(start) &+ translation.sequence,
                flags: [.acknowledge, .push])
            segment.acknowledgement = row.firstAcknowledgement
            segment.window = translation.window(late.window)
            if row.hasTimestamps {
                segment.timestamp = late.timestamp &+ translation.timestamp
                segment.timestampEcho = late.timestampEcho &+ translation.timestampEcho
            }
            segment.payload = Array(late.bytes[start..<min(start + size, late.bytes.count)])
            kernel.sendNow(segment)
        }
    }
}
