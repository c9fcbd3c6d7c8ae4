// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

/// What the datapath does by itself with clients of known names.
extension Scene {
    /// A client whose endpoint it asked, and what it will tell of that.
    struct Opening {
        var splice: Splice
        var record: OpenedRecord
    }

    struct NotKnown: Error {}

    /// Ports that lie there for it.
    var laid: [UInt16] { table.laid.keys.sorted().flatMap { table.laid[$0] ?? [] } }

    /// Ports that somebody uses.
    var portsTaken: Int { portsInUse - laid.count }

    var knowsNames: Bool { splicer.knowsNames }

    /// Whether the worker would find the client of an event.
    func knows(_ number: Int = 1) -> Bool { splicer.knows(Self.client(number)) }

    /// Endpoints that ports lie there for.
    var slotsInUse: Int { splicer.known.slots.count { $0 != nil } }

    /// Two clients of a name come and go: from then on it is known.
    func teach(_ text: String = "b.test") throws {
        let first = 901 + table.written.count
        let splices = try (first...first + 1).map { try establish($0, name: text) }
        for splice in splices { end(splice) }
    }

    /// The sweeper tells that a splice is over.
    func end(_ splice: Splice) {
        splicer.handle(
            .ended(
                client: splice.client, upstream: splice.upstream,
                createdNanoseconds: splice.createdNanoseconds), now: now)
        flush()
    }

    /// It asks a client's endpoint, and the worker hears of it.
    @discardableResult
    func open(
        _ number: Int = 1, named text: String = "b.test", note: HandshakeNote = Scene.note()
    ) throws -> Splice {
        let opening = try openUnheard(number, named: text, note: note)
        hear(opening)
        return opening.splice
    }

    func hear(_ opening: Opening) {
        splicer.receive(opening.record, now: now)
        flush()
    }

    /// It asks a client's endpoint; `fails`, or where a row is in the way: it cannot.
    func openUnheard(
        _ number: Int = 1, named text: String = "b.test", note: HandshakeNote = Scene.note(),
        fails: Bool = false
    ) throws -> Opening {
        let wanted = name(text)
        guard let route = table.known.last(where: { $0.name == wanted })?.route,
            let slot = table.slots[route.slot], let port = table.laid[route.slot]?.first
        else { throw NotKnown() }
        table.laid[route.slot]?.removeFirst()
        let upstream = FlowTuple(
            source: TransportAddress(slot.source, port), destination: slot.endpoint)
        return openUnheard(number, named: text, note: note, upstream, route, fails: fails)
    }

    /// The same from a port of no matter whom.
    func openUnheard(
        _ number: Int, named text: String, note: HandshakeNote, _ upstream: FlowTuple,
        _ route: KnownRoute, fails: Bool = false
    ) -> Opening {
        let client = Self.client(number)
        let hello = SampleHello.bytes(for: text)
        table.stored.append(hello)
        var splice = Splice(client: client, upstream: upstream, note: note, isn: 4_000_000)
        splice.clientTimestamp = 900
        splice.clientWindow = 502
        splice.cluster = route.cluster
        splice.endpoint = route.endpoint
        splice.serverName = route.serverName
        splice.createdNanoseconds = now
        splice.template.slot = UInt32(table.stored.count)
        splice.template.segments = 1
        splice.template.length = UInt32(hello.count)
        let isFree = table.rows[client] == nil && table.rows[upstream.reversed] == nil
        let isOpen = isFree && !fails
        if isOpen { table.set(splice, FLOW_CONNECTING) }
        return Opening(splice: splice, record: OpenedRecord(opened_record(splice, isOpen)))
    }
}

extension opened_record {
    fileprivate init(_ splice: Splice, _ isOpen: Bool) {
        self.init()
        hello.head.kind = UInt16(RECORD_OPENED.rawValue)
        hello.tuple = splice.client.abi
        hello.note = handshake_note(splice.note)
        hello.created_ns = isOpen ? splice.createdNanoseconds : 0
        hello.seq = splice.note.clientISN &+ 1
        hello.tsval = splice.clientTimestamp
        hello.window = UInt32(splice.clientWindow)
        rewrite = splice.upstream.abi
        isn = splice.isn
        template_slot = splice.template.slot
        template_stamp = splice.template.stamp
        segments = UInt32(splice.template.segments)
        length = splice.template.length
        cluster = splice.cluster
        endpoint = splice.endpoint
    }
}

extension handshake_note {
    fileprivate init(_ note: HandshakeNote) {
        self.init()
        client_isn = note.clientISN
        cookie = note.cookie
        tsval = note.timestamp
        ifindex = note.interface
        created_ns = note.createdNanoseconds
        mss = note.mss
        listener = note.listener
        scale = note.clientScale
        our_scale = note.ourScale
        var agreed: UInt32 = 0
        if note.hasTimestamps { agreed |= HANDSHAKE_FLAG_TIMESTAMPS.rawValue }
        if note.hasSACK { agreed |= HANDSHAKE_FLAG_SACK.rawValue }
        if note.hasWindowScale { agreed |= HANDSHAKE_FLAG_WINDOW_SCALE.rawValue }
        flags = UInt16(agreed)
    }
}

/// No client, no flow, and no port out but those laid for the datapath.
func expectNothingLeft(_ scene: Scene, at location: SourceLocation = #_sourceLocation) {
    #expect(scene.pending == 0 && scene.splicer.reading == 0, sourceLocation: location)
    #expect(scene.table.rows.isEmpty, sourceLocation: location)
    #expect(scene.portsTaken == 0, sourceLocation: location)
    #expect(scene.admission.current == 0, sourceLocation: location)
    #expect(scene.active == [0, 0, 0, 0], sourceLocation: location)
}

extension Scene {
    /// The configuration of those routes takes the place of what was in force.
    func reload(_ routes: RoutingSnapshot) {
        splicer.handle(.configuration(routes, SplicerLimits(), done: {}), now: now)
        flush()
    }
}
