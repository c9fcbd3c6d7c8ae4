// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import Testing
import WireTypes

@testable import ConnectionLogging
@testable import Datapath
@testable import Splicing

@Suite struct `Splicer that logs connections` {
    private let lane = ConnectionLane(capacity: 100)

    private func scene() -> Scene {
        let scene = Scene(log: lane) { $0.describe = { "\($0.name)" } }
        return scene
    }

    private func take() -> [ConnectionRecord] {
        var records: [ConnectionRecord] = []
        lane.take(into: &records)
        return records
    }

    /// Ends of all connections that were logged since the last call.
    private func ends() -> [ConnectionEnd] { take().map(\.end) }

    @Test func `tells of a closed splice at once, and once`() throws {
        let scene = scene()
        let splice = try scene.establish(1, age: 250)
        #expect(ends().isEmpty)
        scene.table.set(splice, FLOW_CLOSED)
        scene.tell(.closed, of: splice)
        scene.tell(.closed, of: splice)
        let record = try #require(take().first)
        #expect(record.end == .finClient && record.mode == .spliced)
        #expect(record.client == splice.client && record.upstream == splice.upstream)
        #expect(record.listener == Scene.listenerID && record.cluster == 11)
        #expect(record.facts.serverName?.text == "a.test")
        #expect(record.facts.rule != nil && record.facts.attempts == 1)
        #expect(record.facts.connectMicroseconds == 250)
        #expect(record.facts.handoffMicroseconds == 250)
        #expect(record.facts.classifyMicroseconds == 2000)
        #expect(record.sent != nil && record.received != nil)
        for _ in 0..<20 { scene.wait(milliseconds: 500) }
        #expect(ends().isEmpty && scene.splicer.notes.isEmpty)
    }

    @Test(arguments: [
        (
            FLOW_FLAG_UPSTREAM.rawValue | FLOW_FLAG_FIN_FIRST.rawValue, UInt32(0),
            ConnectionEnd.finClient
        ),
        (FLOW_FLAG_UPSTREAM.rawValue, FLOW_FLAG_FIN_FIRST.rawValue, .finEndpoint),
        (FLOW_FLAG_UPSTREAM.rawValue, 0, .finClient),
    ])
    func `knows who closed first`(up: UInt32, down: UInt32, end: ConnectionEnd) throws {
        let scene = scene()
        let splice = try scene.establish()
        scene.table.set(splice, FLOW_CLOSED, flags: (up, down))
        scene.tell(.closed, of: splice)
        #expect(ends() == [end])
    }

    @Test(arguments: [
        (false, false, ConnectionEnd.rstClient), (true, false, .rstEndpoint), (true, true, .killed),
    ])
    func `tells of a reset splice when nobody revived it`(
        fromEndpoint: Bool, isOurs: Bool, end: ConnectionEnd
    ) throws {
        let scene = scene()
        let splice = try scene.establish()
        scene.table.set(splice, FLOW_RESET)
        scene.tell(.reset, of: splice) {
            $0.isFromEndpoint = fromEndpoint
            $0.isOurs = isOurs
        }
        scene.wait(milliseconds: 499)
        #expect(ends().isEmpty)
        scene.wait(milliseconds: 1)
        #expect(ends() == [end])
        #expect(scene.splicer.notes.isEmpty)
    }

    /// By the SYN of its client's next connection: it is not that packet's sender who ended it.
    @Test(arguments: [
        (FlowRecord.Kind.closed, true, ConnectionEnd.finClient), (.closed, false, .finEndpoint),
        (.reset, false, .reset),
    ])
    func `knows of an end that is told late what the rows knew`(
        kind: FlowRecord.Kind, closedFirst: Bool, end: ConnectionEnd
    ) throws {
        let scene = scene()
        let splice = try scene.establish()
        scene.table.delete(splice)
        scene.tell(kind, of: splice) {
            $0.isLate = true
            $0.closedFirst = closedFirst
        }
        scene.wait(milliseconds: 500)
        #expect(ends() == [end])
    }

    @Test func `says nothing of an RST that traffic refuted`() throws {
        let scene = scene()
        let splice = try scene.establish()
        scene.tell(.reset, of: splice)
        scene.wait(milliseconds: 5000)
        #expect(ends().isEmpty)
        scene.table.set(splice, FLOW_CLOSED)
        scene.tell(.closed, of: splice)
        #expect(ends() == [.finClient])
        scene.wait(milliseconds: 5000)
        #expect(ends().isEmpty)
    }

    @Test func `tells of a splice whose client began anew before its end was read`() throws {
        let scene = scene()
        let splice = try scene.establish()
        scene.table.delete(splice)
        scene.tell(.closed, of: splice)
        let record = try #require(take().first)
        #expect(record.end == .finClient && record.sent == nil && record.received == nil)
        #expect(record.facts.serverName?.text == "a.test")
    }

    @Test func `repeats what the sweeper says, unless it knew`() throws {
        let scene = scene()
        let splices = try (1...3).map { try scene.establish($0) }
        for splice in splices { scene.table.set(splice, FLOW_CLOSED) }
        func report(_ number: Int, _ end: ConnectionEnd) throws {
            let row = try #require(scene.table.rows[splices[number].client])
            scene.splicer.handle(.logged(SpliceEnd(end: end, row: row)), now: scene.now)
        }
        try report(0, .idle)
        try report(0, .idle)
        #expect(ends() == [.idle])
        scene.tell(.closed, of: splices[1])
        try report(1, .unknown)
        #expect(ends() == [.finClient])
        let ended = WorkerMessage.ended(
            client: splices[0].client, upstream: splices[0].upstream,
            createdNanoseconds: splices[0].createdNanoseconds)
        scene.splicer.handle(ended, now: scene.now)
        #expect(ends().isEmpty)
    }

    @Test func `tells of a splice of an earlier daemon, with what its row knows`() throws {
        let other = Scene()
        let splice = try other.establish()
        let scene = scene()
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.adopt(splice)
        #expect(ends().isEmpty)
        scene.table.set(splice, FLOW_CLOSED)
        scene.tell(.closed, of: splice) { $0.isFromEndpoint = true }
        let record = try #require(take().first)
        #expect(record.end == .finEndpoint && record.serverNameID == splice.serverName)
        #expect(record.facts.serverName == nil && record.facts.rule == nil)
        #expect(record.listener == Scene.listenerID && record.cluster == 11)
    }

    @Test func `tells of one that ended while nobody listened`() throws {
        let splice = try Scene().establish()
        let scene = scene()
        scene.table.set(splice, FLOW_CLOSED)
        scene.adopt(splice)
        #expect(ends() == [.unknown])
        for _ in 0..<10 { scene.wait(milliseconds: 1000) }
        #expect(ends().isEmpty)
    }

    @Test func `tells of one that the kernel forgot, and frees its port`() throws {
        let scene = scene()
        let splice = try scene.establish()
        scene.splicer.handle(.vanished(splice.upstream), now: scene.now)
        #expect(ends().isEmpty, "it is there")
        scene.table.delete(splice)
        scene.splicer.handle(.vanished(splice.upstream), now: scene.now)
        scene.splicer.handle(.vanished(splice.upstream), now: scene.now)
        #expect(ends() == [.evicted])
        #expect(scene.portsInUse == 0 && scene.admission.current == 0)
    }

    @Test func `tells the relay what it knows of a client that it hands over`() throws {
        let scene = Scene(settings: { $0.isSplicing = false }, log: lane)
        scene.say(SampleHello.bytes(for: "a.test"))
        let facts = try #require(scene.fallback.facts[Scene.client()])
        #expect(facts.serverName?.text == "a.test" && facts.rejection == nil)
        scene.say(SampleHello.bytes(for: "other.test"), from: Scene.client(2))
        #expect(scene.fallback.facts[Scene.client(2)]?.rejection == .noRule)
        scene.say(Array("GET / HTTP/1.1\r\n".utf8), from: Scene.client(3))
        #expect(scene.fallback.facts[Scene.client(3)]?.rejection == .notTLS)
        #expect(ends().isEmpty, "who takes them tells")
    }

    @Test func `tells of a client that reset while its endpoint was asked`() throws {
        let scene = scene()
        scene.say(SampleHello.bytes(for: "a.test"))
        let splice = try scene.last()
        scene.tell(.abandoned, of: splice)
        let record = try #require(take().first)
        #expect(record.end == .rstClient && record.mode == .rejected)
        #expect(record.facts.attempts == 1 && record.facts.rejection == nil)
    }

    @Test func `keeps nothing when there is no log`() throws {
        let scene = Scene()
        _ = try scene.establish()
        #expect(scene.splicer.notes.isEmpty && scene.fallback.facts.isEmpty)
        scene.say(SampleHello.bytes(for: "other.test"), from: Scene.client(2))
        #expect(scene.fallback.facts.isEmpty)
    }
}
