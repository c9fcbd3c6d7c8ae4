// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import KernelBPF
import Testing
import WireTypes

@testable import Datapath

/// What a program of ABI 5 left in a row, and what this version makes of it.
@Suite struct `A row of ABI 5` {
    /// A splice as both versions know it, with numbers that cross 2³².
    private struct Connection {
        var splice: Splice
        let endpointISN: UInt32 = 0xffff_fff0
        let endpointTimestamp: UInt32 = 0x7000_0000
        let isEstablished: Bool

        init(_ front: Front = Front(owned: 0, preface: 0), isEstablished: Bool = false) {
            self.isEstablished = isEstablished
            var note = HandshakeNote(clientISN: 0xffff_ff00, cookie: 0x1111_2222, listener: 3)
            note.hasTimestamps = true
            note.hasSACK = true
            note.hasWindowScale = true
            note.timestamp = 0x0500_0000
            note.clientScale = 4
            note.ourScale = 7
            note.interface = 6
            splice = Splice(
                client: Family.v4.client, upstream: Family.v4.upstream, note: note,
                isn: 0x2233_4455)
            splice.clientTimestamp = 0xffff_fff0
            splice.clientWindow = 0x1f6
            splice.worker = 63
            splice.cluster = 0x0102
            splice.endpoint = 9
            splice.serverName = 77
            splice.createdNanoseconds = 1 << 40
            splice.ownedLength = front.owned
            splice.prefaceLength = front.preface
            splice.template.slot = 0x1fff
            splice.template.stamp = 0x8000_0002
            splice.template.segments = 16
            splice.template.length = UInt32(front.owned) + 517
        }

        /// As the other version had it.
        func older(isUpstream: Bool) -> OlderRow {
            var row = OlderRow()
            let note = splice.note
            let shift = UInt32(splice.ownedLength) &- splice.prefaceLength
            row.set(rewrite: isUpstream ? splice.upstream : splice.client.reversed)
            row["state"] = isEstablished ? 2 : 1
            // Timestamps, SACK and window scale agreed on; upstream, and owned bytes.
            let owned: UInt64 = splice.ownedLength > 0 ? 1 << 9 : 0
            row["flags"] = 0b1110 | (isUpstream ? 1 | owned : 0)
            row["worker"] = 63
            row["listener"] = 3
            row["cluster"] = 0x0102
            row["endpoint"] = 9
            row["server_name"] = 77
            row["created_ns"] = 1 << 40
            row["size_limit"] = 0xffff
            row["client_scale"] = 4
            row["our_scale"] = 7
            row["client_window"] = 0x1f6
            row["isn"] = UInt64(splice.isn)
            row["client_isn"] = UInt64(note.clientISN)
            row["cookie"] = UInt64(note.cookie)
            row["client_tsval"] = UInt64(splice.clientTimestamp)
            row["syn_ack_tsval"] = UInt64(note.timestamp)
            row["hello_length"] = UInt64(splice.helloLength)
            row["owned_length"] = UInt64(splice.ownedLength)
            let sequence = splice.isn &- note.clientISN &+ shift
            let clock = splice.synTimestamp &- splice.clientTimestamp
            if isUpstream {
                row["seq_delta"] = UInt64(sequence)
                row["tsval_delta"] = UInt64(clock)
                row["ingress_ifindex"] = 6
            } else {
                row["ack_delta"] = UInt64(0 &- sequence)
                row["tsecr_delta"] = UInt64(0 &- clock)
                row["template_slot"] = 0x1fff
                row["template_stamp"] = 0x8000_0002
                row["template_segments"] = 16
            }
            if isEstablished { establish(&row, isUpstream: isUpstream) }
            return row
        }

        /// What the endpoint's SYN-ACK and packets after it added.
        private func establish(_ row: inout OlderRow, isUpstream: Bool) {
            let answer = splice.note.cookie &- endpointISN
            let clock = splice.note.timestamp &- endpointTimestamp
            row["endpoint_scale"] = 11
            row["limit_told"] = 2
            row["next_hop_checked_ns"] = 1 << 41
            row["next_hop.ifindex"] = 5
            row["next_hop.mtu"] = 1500
            row["last_seen_ns"] = 1 << 41 + 0xff_ffff
            row["last_data_ns"] = 1 << 41 - 1
            row["packets"] = 12
            row["bytes"] = 3456
            if isUpstream {
                row["ack_delta"] = UInt64(0 &- answer)
                row["tsecr_delta"] = UInt64(0 &- clock)
                row["first_seq"] = UInt64(splice.note.clientISN &+ 1)
                row["next_seq"] = UInt64(splice.note.clientISN) + 1 + 3000
                row["last_ack"] = UInt64(splice.note.cookie &+ 1)
            } else {
                row["seq_delta"] = UInt64(answer)
                row["tsval_delta"] = UInt64(clock)
                row["first_seq"] = UInt64(endpointISN &+ 1)
                row["next_seq"] = UInt64(endpointISN) + 1 + 3000
                row["last_ack"] = UInt64(splice.isn &+ 1)
            }
        }

        func key(isUpstream: Bool) -> flow_tuple {
            isUpstream ? splice.client.abi : splice.upstream.reversed.abi
        }

        func converted(isUpstream: Bool) throws -> flow_entry {
            try older(isUpstream: isUpstream).converted()
        }

        func row(isUpstream: Bool) throws -> SpliceRow {
            SpliceRow(key(isUpstream: isUpstream), try converted(isUpstream: isUpstream))
        }
    }

    /// Bytes of ours, and of the client's that the endpoint does not get.
    struct Front: Sendable {
        var owned: UInt16
        var preface: UInt32

        static let all = [
            Front(owned: 0, preface: 0), Front(owned: 52, preface: 0),
            Front(owned: 52, preface: 30), Front(owned: 0, preface: 30),
        ]
    }

    @Test(arguments: Front.all, [true, false])
    func `that waits for its endpoint becomes what this version programs`(
        front: Front, isUpstream: Bool
    ) throws {
        let connection = Connection(front)
        let entry = try connection.converted(isUpstream: isUpstream)
        let splice = connection.splice
        let ours = isUpstream ? splice.upstreamEntry : splice.downstreamEntry
        #expect(octets(entry) == octets(ours))
        #expect(try connection.row(isUpstream: isUpstream).prefaceLength == Int(front.preface))
    }

    @Test(arguments: Front.all)
    func `of a client has the numbers of its beginning`(
        front: Front
    ) throws {
        let connection = Connection(front, isEstablished: true)
        let splice = connection.splice
        let entry = try connection.converted(isUpstream: true)
        #expect(entry.own_isn == splice.note.cookie)
        #expect(entry.first_seq == splice.note.clientISN &+ 1)
        let row = try connection.row(isUpstream: true)
        #expect(row.firstAcknowledgement == connection.endpointISN &+ 1)
        #expect(row.firstTimestamp == splice.synTimestamp)
        #expect(row.totals.bytes == 3000 && row.totals.retransmittedBytes == 456)
        expectBeginning(row, of: splice)
    }

    /// Its numbers began where the endpoint's acknowledgement stood, and so did its bytes.
    @Test(arguments: Front.all)
    func `of a client that was restored has them, too`(
        front: Front
    ) throws {
        let connection = Connection(front, isEstablished: true)
        let splice = connection.splice
        var older = connection.older(isUpstream: true)
        older["first_seq"] = UInt64(splice.note.clientISN &+ 1 &+ 2000)
        older["next_seq"] = UInt64(splice.note.clientISN &+ 1 &+ 3000)
        older["bytes"] = 1456
        let row = SpliceRow(connection.key(isUpstream: true), try older.converted())
        #expect(row.totals.bytes == 3000 && row.totals.retransmittedBytes == 456)
        expectBeginning(row, of: splice)
    }

    @Test(arguments: Front.all)
    func `of an endpoint has the numbers of its beginning`(
        front: Front
    ) throws {
        let connection = Connection(front, isEstablished: true)
        let splice = connection.splice
        let entry = try connection.converted(isUpstream: false)
        #expect(entry.own_isn == splice.isn)
        #expect(entry.first_seq == connection.endpointISN &+ 1)
        // The cookie.
        #expect(entry.first_seq &- 1 &+ entry.seq_delta == splice.note.cookie)
        let row = try connection.row(isUpstream: false)
        #expect(row.firstTimestamp == splice.synTimestamp)
        #expect(row.template == TemplateReference(splice.template, length: 0))
        expectBeginning(row, of: splice)
    }

    private func expectBeginning(
        _ row: SpliceRow, of splice: Splice, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(row.clientISN == splice.note.clientISN, sourceLocation: location)
        #expect(row.ownedLength == Int(splice.ownedLength), sourceLocation: location)
        #expect(row.prefaceLength == Int(splice.prefaceLength), sourceLocation: location)
        #expect(
            row.ownedEnd == splice.isn &+ 1 &+ UInt32(splice.ownedLength),
            sourceLocation: location)
        #expect(
            row.helloEnd == splice.note.clientISN &+ 1 &+ splice.helloLength,
            sourceLocation: location)
        #expect(row.client == splice.client, sourceLocation: location)
        #expect(row.upstream == splice.upstream, sourceLocation: location)
    }

    @Test(arguments: [true, false])
    func `has its scales in the word of flags, its moments in ticks, and no way`(
        isUpstream: Bool
    ) throws {
        let connection = Connection(Front(owned: 52, preface: 30), isEstablished: true)
        let entry = try connection.converted(isUpstream: isUpstream)
        let owned = isUpstream ? FLOW_FLAG_OWNED.rawValue : 0
        #expect(entry.flags & 0xffff == 0b1110 | (isUpstream ? 1 : 0) | owned)
        #expect((entry.clientScale, entry.ourScale, entry.endpointScale) == (4, 7, 11))
        #expect(entry.timesToldLimit == 2)
        #expect(entry.last_seen == 1 << 17)
        #expect(entry.last_data == 1 << 17 - 1)
        #expect(entry.way == 0)
        #expect(entry.worker == 63 && entry.packets == 12 && entry.bytes == 3456)
        let row = try connection.row(isUpstream: isUpstream)
        #expect(row.lastSeenNanoseconds == 1 << 41)
        #expect(row.lastDataNanoseconds == 1 << 41 - 1 << 24)
    }

    /// Its numbers are the ends' own.
    @Test(arguments: [true, false])
    func `of a plain flow has none of ours`(isUpstream: Bool) throws {
        var old = Connection(isEstablished: true).older(isUpstream: isUpstream)
        old["flags"] = UInt64(FLOW_FLAG_PLAIN.rawValue) | (isUpstream ? 1 : 0)
        for name in ["isn", "cookie", "client_tsval", "syn_ack_tsval"] { old[name] = 0 }
        let entry = try old.converted()
        #expect(entry.own_isn == 0 && entry.preface_length == 0 && entry.firstTimestamp == 0)
        #expect(entry.first_seq == UInt32(truncatingIfNeeded: old["first_seq"]))
    }

    @Test(arguments: [true, false])
    func `that never had a packet has no moments`(isUpstream: Bool) throws {
        var old = Connection(isEstablished: true).older(isUpstream: isUpstream)
        old["last_seen_ns"] = 0
        old["last_data_ns"] = 0
        let entry = try old.converted()
        #expect(entry.last_seen == 0 && entry.last_data == 0)
        let key = Connection(isEstablished: true).key(isUpstream: isUpstream)
        #expect(SpliceRow(key, entry).lastSeenNanoseconds == 1 << 40)
    }

    /// Of ABI 6, which said apart what our SYN-ACK had promised the client.
    @Test(arguments: [true, false])
    func `of ABI 6 that waits for its endpoint becomes what this version programs, too`(
        isUpstream: Bool
    ) throws {
        let splice = Connection(Front(owned: 52, preface: 30)).splice
        let entry = isUpstream ? splice.upstreamEntry : splice.downstreamEntry
        var old = entry
        if isUpstream { old.tsecr_delta = 0 }
        let said = isUpstream ? splice.note.timestamp : splice.synTimestamp
        let bytes = octets(old) + octets(UInt32(4711).littleEndian) + octets(said.littleEndian)
        let size = MemoryLayout<flow_entry>.size
        let layout = StructLayout(
            "abi6", size: size + 8,
            OlderRow.ours.members + [
                .init("fin_ack", at: size, size: 4), .init("own_tsval", at: size + 4, size: 4),
            ])
        let plan = try LayoutPlan(
            from: layout, to: OlderRow.ours, essential: FlowTableMove.essential)
        // The span lives no longer than the array.
        var moved = unsafe plan.value(0, of: bytes.span.bytes, as: flow_entry.self)
        unsafe OlderRows(layout, missing: plan.missing).finish(&moved, from: bytes.span.bytes)
        #expect(octets(moved) == octets(entry))
    }

    /// Another version with rows like ours: nothing of them may be made anew but the way.
    @Test func `is told from one that has our members`() throws {
        var entry = Connection(Front(owned: 52, preface: 30)).splice.upstreamEntry
        entry.way = 77
        entry.last_seen = 5
        let plan = try LayoutPlan(from: OlderRow.ours, to: OlderRow.ours)
        let bytes = octets(entry)
        // The span lives no longer than the array.
        var moved = unsafe plan.value(0, of: bytes.span.bytes, as: flow_entry.self)
        unsafe OlderRows(OlderRow.ours, missing: plan.missing)
            .finish(&moved, from: bytes.span.bytes)
        entry.way = 0
        #expect(octets(moved) == octets(entry))
    }
}

extension TemplateReference {
    /// As a row has it, which does not say how long it is.
    fileprivate init(_ other: TemplateReference, length: UInt32) {
        self = other
        self.length = length
    }
}

/// A row or a number byte by byte; it has no holes.
private func octets(_ entry: some BitwiseCopyable) -> [UInt8] {
    unsafe withUnsafeBytes(of: entry) { unsafe Array($0) }
}

/// A row of ABI 5 in bytes, little endian.
private struct OlderRow {
    private var bytes = [UInt8](repeating: 0, count: OlderRow.layout.size)

    /// Members of the header of ABI 5, one behind the other as compilers lay them out.
    static let layout = StructLayout("abi5", size: 216, members)

    private static let members: [StructLayout.Member] = [
        .init("rewrite.saddr.word", at: 0, size: 16, .array),
        .init("rewrite.daddr.word", at: 16, size: 16, .array),
        .init("rewrite.sport", at: 32, size: 2, .opaque),
        .init("rewrite.dport", at: 34, size: 2, .opaque),
        .init("rewrite.protocol", at: 36, size: 4),
        .init("seq_delta", at: 40, size: 4), .init("ack_delta", at: 44, size: 4),
        .init("tsval_delta", at: 48, size: 4), .init("tsecr_delta", at: 52, size: 4),
        .init("window_shift", at: 56, size: 1, .signed), .init("state", at: 57, size: 1),
        .init("flags", at: 58, size: 2), .init("worker", at: 60, size: 2),
        .init("listener", at: 62, size: 2), .init("cluster", at: 64, size: 2),
        .init("endpoint", at: 66, size: 2), .init("server_name", at: 68, size: 4),
        .init("last_ack", at: 72, size: 4), .init("fin_ack", at: 76, size: 4),
        .init("next_seq", at: 80, size: 8), .init("packets", at: 88, size: 8),
        .init("bytes", at: 96, size: 8), .init("created_ns", at: 104, size: 8),
        .init("last_seen_ns", at: 112, size: 8), .init("last_data_ns", at: 120, size: 8),
        .init("next_hop_checked_ns", at: 128, size: 8),
        .init("next_hop.ifindex", at: 136, size: 4),
        .init("next_hop.family", at: 140, size: 2), .init("next_hop.mtu", at: 142, size: 2),
        .init("next_hop.addr.word", at: 144, size: 16, .array),
        .init("ingress_ifindex", at: 160, size: 4), .init("size_limit", at: 164, size: 2),
        .init("limit_told", at: 166, size: 1), .init("pad0", at: 167, size: 1),
        .init("template_slot", at: 168, size: 4), .init("template_stamp", at: 172, size: 4),
        .init("template_segments", at: 176, size: 2),
        .init("client_scale", at: 178, size: 1), .init("our_scale", at: 179, size: 1),
        .init("endpoint_scale", at: 180, size: 1), .init("pad1", at: 181, size: 1),
        .init("client_window", at: 182, size: 2), .init("isn", at: 184, size: 4),
        .init("client_isn", at: 188, size: 4), .init("cookie", at: 192, size: 4),
        .init("hello_length", at: 196, size: 4), .init("client_tsval", at: 200, size: 4),
        .init("syn_ack_tsval", at: 204, size: 4), .init("first_seq", at: 208, size: 4),
        .init("owned_length", at: 212, size: 2), .init("pad2", at: 214, size: 2),
    ]

    /// This version's, as the kernel would tell it.
    static let ours = StructLayout(
        "row", size: MemoryLayout<flow_entry>.size,
        [
            member("rewrite.saddr.word", \.rewrite.saddr, .array),
            member("rewrite.daddr.word", \.rewrite.daddr, .array),
            member("rewrite.sport", \.rewrite.sport, .opaque),
            member("rewrite.dport", \.rewrite.dport, .opaque),
            member("seq_delta", \.seq_delta), member("ack_delta", \.ack_delta),
            member("tsval_delta", \.tsval_delta), member("tsecr_delta", \.tsecr_delta),
            member("flags", \.flags), member("window_shift", \.window_shift, .signed),
            member("state", \.state), member("worker", \.worker),
            member("template_segments", \.template_segments), member("way", \.way),
            member("size_limit", \.size_limit), member("next_seq", \.next_seq),
            member("packets", \.packets), member("bytes", \.bytes),
            member("created_ns", \.created_ns), member("last_ack", \.last_ack),
            member("last_seen", \.last_seen), member("last_data", \.last_data),
            member("ingress_ifindex", \.ingress_ifindex),
            member("first_seq", \.first_seq), member("own_isn", \.own_isn),
            member("server_name", \.server_name),
            member("template_stamp", \.template_stamp),
            member("template_slot", \.template_slot), member("listener", \.listener),
            member("cluster", \.cluster), member("endpoint", \.endpoint),
            member("hello_length", \.hello_length), member("client_window", \.client_window),
            member("owned_length", \.owned_length), member("preface_length", \.preface_length),
        ])

    private static func member<Value>(
        _ path: String, _ key: KeyPath<flow_entry, Value>, _ kind: StructLayout.Kind = .unsigned
    ) -> StructLayout.Member {
        guard let offset = MemoryLayout<flow_entry>.offset(of: key) else {
            preconditionFailure(path)
        }
        return .init(path, at: offset, size: MemoryLayout<Value>.size, kind)
    }

    /// A number.
    subscript(path: String) -> UInt64 {
        get { places(of: path).reversed().reduce(0) { $0 << 8 | UInt64(bytes[$1]) } }
        set {
            for (index, place) in places(of: path).enumerated() {
                bytes[place] = UInt8(truncatingIfNeeded: newValue >> (8 * UInt64(index)))
            }
        }
    }

    private func places(of path: String) -> Range<Int> {
        guard let member = Self.layout[path] else { preconditionFailure(path) }
        return member.offset..<member.offset + member.size
    }

    /// The tuple on the way out, in front of all else.
    mutating func set(rewrite tuple: FlowTuple) {
        let key = tuple.abi
        let octets = unsafe withUnsafeBytes(of: key) { unsafe Array($0) }
        bytes.replaceSubrange(..<octets.count, with: octets)
    }

    /// What a start of this version makes of it.
    func converted() throws -> flow_entry {
        let plan = try LayoutPlan(
            from: Self.layout, to: Self.ours, essential: FlowTableMove.essential,
            narrowing: FlowTableMove.narrowing)
        let older = OlderRows(Self.layout, missing: plan.missing)
        // The span lives no longer than the array.
        var entry = unsafe plan.value(0, of: bytes.span.bytes, as: flow_entry.self)
        unsafe older.finish(&entry, from: bytes.span.bytes)
        return entry
    }
}
