// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import ConnectionLogging
import KernelSockets
import Synchronization
import WireTypes

@testable import Datapath
@testable import Splicing

/// An address that a test wrote; a typing error ends the test.
func at(_ text: String) -> TransportAddress {
    guard let address = TransportAddress(text) else { fatalError("no address: \(text)") }
    return address
}

func name(_ text: String) -> ServerName {
    guard let name = ServerName(text) else { fatalError("no name: \(text)") }
    return name
}

extension UInt64 {
    static func milliseconds(_ count: Int) -> UInt64 { UInt64(count) * 1_000_000 }
}

/// One worker's splicer with everything around it faked. Cluster 0 has three endpoints, cluster 1
/// one; `a.test` goes to cluster 0 and `b.test` to cluster 1.
final class Scene {
    static let listenerID: UInt16 = 3
    static let listener = at("192.0.2.1:443")
    static let source = at("10.0.0.1:1").address
    static let isn: UInt32 = 0xffff_ff00
    static let cookie: UInt32 = 7_000_000

    let table = KernelTable()
    let fallback = HandOverLog()
    let admission: FlowAdmission
    let counters = SplicerCounters()
    let names: ServerNameTable
    var splicer: Splicer<FakeKernel>
    var now: UInt64 = 1_000_000_000_000

    init(
        admitting limit: Int = 1000, balance: Balance = Balance(),
        settings change: (inout SplicerSettings) -> Void = { _ in },
        log: ConnectionLane? = nil, names capacity: Int = 100_000,
        routes alter: (inout RoutingSnapshot) -> Void = { _ in }
    ) {
        var settings = SplicerSettings()
        settings.ports = [20000...20099]
        change(&settings)
        var routes = Self.routes(balance)
        alter(&routes)
        admission = FlowAdmission(limit: limit)
        names = ServerNameTable(
            known: [], capacity: capacity, store: { _, _ in true }, forget: { _ in })
        splicer = Splicer(
            kernel: FakeKernel(table: table), routes: routes, settings: settings,
            fallback: fallback, admission: admission, counters: counters, names: names,
            log: log)
    }

    static func routes(_ balance: Balance = Balance()) -> RoutingSnapshot {
        let endpoints = ["10.0.1.1:443", "10.0.1.2:443", "10.0.1.3:443", "10.0.2.1:443"].map(at)
        var listener = ListenerRoutes(id: listenerID)
        listener.table = RoutingTable([
            Route(.exact(name("a.test")), cluster: 0), Route(.exact(name("b.test")), cluster: 1),
        ])
        let loads = endpoints.map { _ in EndpointLoad() }
        func cluster(_ id: UInt16, _ targets: [Int]) -> ClusterState {
            let picker = Picker(
                targets.map { Endpoint(address: endpoints[$0]) }, loads: targets.map { loads[$0] },
                balance: balance)
            return ClusterState(
                id: id, targets: targets, connectTimeout: .seconds(1), picker: picker)
        }
        return RoutingSnapshot(
            listeners: [listenerID: listener],
            clusters: [cluster(11, [0, 1, 2]), cluster(12, [3])],
            targets: endpoints.map { Target(address: $0, sources: [source]) }, loads: loads)
    }

    /// The client with a number, on the way to the listener.
    static func client(_ number: Int = 1) -> FlowTuple {
        let port = UInt16(30000 + number)
        return FlowTuple(
            source: TransportAddress(at("198.51.100.7:1").address, port), destination: listener)
    }

    /// What a client with all options agreed on.
    static func note(isn: UInt32 = Scene.isn) -> HandshakeNote {
        var note = HandshakeNote(clientISN: isn, cookie: cookie, listener: listenerID)
        note.mss = 1460
        note.timestamp = 5000
        note.clientScale = 9
        note.ourScale = 7
        note.hasTimestamps = true
        note.hasSACK = true
        note.hasWindowScale = true
        note.createdNanoseconds = 1_000_000_000_000 - .milliseconds(2)
        return note
    }
}

extension Scene {
    var pending: Int { splicer.pendingCount }
    var isWaiting: Bool { splicer.isWaiting }
    var hasLate: Bool { splicer.hasLate }
    var hearsEventsFirst: Bool { splicer.hearsEventsFirst }

    /// The splice written last.
    func last() throws -> Splice {
        guard let splice = table.written.last else { throw NothingWritten() }
        return splice
    }

    struct NothingWritten: Error {}

    /// A client's bytes at an offset of its stream; `flushes`: as a round of their own.
    func say(
        _ bytes: [UInt8], at offset: Int = 0, from client: FlowTuple = Scene.client(),
        note: HandshakeNote? = Scene.note(), isUrgent: Bool = false, isDamaged: Bool = false,
        flushes: Bool = true
    ) {
        let record = record(at: offset, from: client, note, isUrgent, isDamaged)
        splicer.receive(record, bytes.span, now: now)
        if flushes { flush() }
    }

    /// Whether a client's first bytes are taken, `afterAll` that happened before them or not.
    func hears(
        _ bytes: [UInt8], from client: FlowTuple = Scene.client(), note: HandshakeNote?,
        afterAll: Bool
    ) -> Bool {
        let record = record(at: 0, from: client, note, false, false)
        defer { flush() }
        return splicer.receive(record, bytes.span, now: now, hasHeard: afterAll)
    }

    private func record(
        at offset: Int, from client: FlowTuple, _ note: HandshakeNote?, _ isUrgent: Bool,
        _ isDamaged: Bool
    ) -> HelloRecord {
        let isn = note?.clientISN ?? Self.isn
        let created = note == nil ? table.rows[client]?.createdNanoseconds ?? 1 : 0
        return HelloRecord(
            tuple: client, note: note, createdNanoseconds: created,
            sequence: isn &+ 1 &+ UInt32(offset), timestamp: 900, timestampEcho: 5007,
            window: 502, isUrgent: isUrgent, isFinal: false, isDamaged: isDamaged)
    }

    func flush() { splicer.flush(now: now) }

    /// The datapath tells something of a splice.
    func tell(
        _ kind: FlowRecord.Kind, of splice: Splice, acknowledgement: UInt32 = 77, mss: UInt16 = 0,
        change: (inout FlowRecord) -> Void = { _ in }
    ) {
        var event = FlowRecord(
            kind: kind, client: splice.client, upstream: kind == .abandoned ? nil : splice.upstream,
            createdNanoseconds: splice.createdNanoseconds, sequence: 0,
            acknowledgement: acknowledgement, mss: mss)
        change(&event)
        splicer.handle(event, now: now)
        flush()
    }

    /// Time goes by, then the worker ticks.
    /// Takes over a splice that stands in the table, or stood there until now.
    func adopt(_ splice: Splice) {
        let row = table.rows[splice.client]
        splicer.adopt(row ?? SpliceRow(splice.client.abi, splice.upstreamEntry), now: now)
    }

    func wait(milliseconds: Int) {
        now += .milliseconds(milliseconds)
        splicer.tick(now: now)
        flush()
    }

    /// A splice whose endpoint answered.
    func establish(_ number: Int = 1, name: String = "a.test", age: UInt32? = nil) throws -> Splice
    {
        say(SampleHello.bytes(for: name), from: Self.client(number))
        let splice = try last()
        table.set(splice, FLOW_ESTABLISHED)
        tell(.established, of: splice) { $0.ageMicroseconds = age }
        return splice
    }

    /// Both ends close, and the datapath tells.
    func close(_ splice: Splice) {
        table.set(splice, FLOW_CLOSED)
        tell(.closed, of: splice)
    }

    /// How many ports are out towards all endpoints.
    var portsInUse: Int { splicer.pools.reduce(0) { $0 + $1.inUse } }
}
