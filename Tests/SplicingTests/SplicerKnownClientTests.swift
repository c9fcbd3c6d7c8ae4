// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import KernelSockets
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

private let hello = SampleHello.bytes(for: "b.test")

/// Both of a client whose endpoint the worker asked, and of one that the datapath opened.
@Suite struct `A client of a known name` {
    private func begin(_ scene: Scene, isOpened: Bool) throws -> Splice {
        if isOpened { return try scene.open(1) }
        scene.say(hello)
        return try scene.last()
    }

    private func counts(_ scene: Scene) -> [UInt64] {
        [DaemonCounter.classified, .established, .ended, .rejected, .relayed, .failedAttempts]
            .map { scene.counters.value(of: $0) }
    }

    private func expectPending(_ scene: Scene) {
        #expect(scene.pending == 1 && scene.splicer.reading == 0)
        #expect(scene.admission.current == 1 && scene.portsTaken == 1)
        #expect(scene.active == [0, 0, 0, 1])
    }

    @Test(arguments: [true, false])
    func `counts from its SYN until it has lingered`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        expectPending(scene)
        #expect(counts(scene) == [3, 2, 2, 0, 0, 0])
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        #expect(scene.pending == 0 && scene.portsTaken == 1 && scene.active == [0, 0, 0, 1])
        #expect(counts(scene) == [3, 3, 2, 0, 0, 0])
        scene.close(splice)
        scene.wait(milliseconds: 1999)
        #expect(scene.portsTaken == 1 && scene.admission.current == 1)
        scene.wait(milliseconds: 1)
        #expect(counts(scene) == [3, 3, 3, 0, 0, 0])
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is turned away when its endpoint refuses`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.tell(.refused, of: splice)
        #expect(scene.fallback.words == ["reject reset"])
        let connection = try #require(scene.fallback.entries.first?.connection)
        #expect(connection.tuple == Scene.client(1) && connection.received == hello)
        #expect(counts(scene) == [3, 2, 2, 1, 0, 1])
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is asked for from another port after silence`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let first = try begin(scene, isOpened: isOpened)
        let before = scene.table.written.count
        scene.wait(milliseconds: 999)
        #expect(scene.table.written.count == before)
        scene.wait(milliseconds: 1)
        #expect(scene.table.written.count == before + 1)
        let second = try scene.last()
        #expect(second.client == first.client && second.note == first.note)
        #expect(second.upstream.destination == first.upstream.destination)
        #expect(second.upstream.source != first.upstream.source)
        #expect(scene.table.stored.last == hello)
        #expect(scene.table.rows[first.upstream.reversed] == nil)
        expectPending(scene)
        scene.table.set(second, FLOW_ESTABLISHED)
        scene.tell(.established, of: second)
        scene.end(second)
        #expect(counts(scene) == [3, 3, 3, 0, 0, 1])
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is asked for from another port where the first is remembered`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let first = try begin(scene, isOpened: isOpened)
        scene.now += .milliseconds(1)
        scene.tell(.challenged, of: first, acknowledgement: 4242)
        let second = try scene.last()
        #expect(second.upstream.source != first.upstream.source)
        #expect(second.endpoint == first.endpoint && second.cluster == first.cluster)
        #expect(
            scene.table.resets == [Segment(tuple: first.upstream, sequence: 4242, flags: .reset)])
        expectPending(scene)
        scene.end(second)
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is relayed when its endpoint refuses an option`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.tell(.optionsRefused, of: splice, acknowledgement: 99)
        #expect(scene.fallback.words == ["relay 12 options-refused b.test"])
        #expect(scene.splicer.routes.lessons.refusesTimestamps(3))
        expectNothingLeft(scene)
        scene.wait(milliseconds: 20)
        #expect(scene.table.known.isEmpty)
    }

    @Test(arguments: [true, false])
    func `is forgotten when it gives up`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.tell(.abandoned, of: splice)
        #expect(scene.fallback.words.isEmpty)
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is established by the deadline if its flow stands`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.wait(milliseconds: 1000)
        #expect(counts(scene) == [3, 3, 2, 0, 0, 0])
        #expect(scene.pending == 0 && scene.portsTaken == 1)
        scene.end(splice)
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `may close before the word of its beginning was read`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.close(splice)
        scene.tell(.established, of: splice)
        #expect(counts(scene) == [3, 3, 2, 0, 0, 0])
        scene.wait(milliseconds: 2000)
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `frees its port once, however often its end is told`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        scene.table.set(splice, FLOW_RESET)
        scene.tell(.closed, of: splice)
        scene.tell(.reset, of: splice)
        for _ in 0..<2 { scene.end(splice) }
        for _ in 0..<10 { scene.wait(milliseconds: 500) }
        #expect(counts(scene) == [3, 3, 3, 0, 0, 0])
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is no more when the table lost its flows`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        scene.table.delete(try begin(scene, isOpened: isOpened))
        scene.wait(milliseconds: 1000)
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `may say more while its endpoint is asked, and repeats the SYN`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        let before = scene.table.syns.count
        scene.now += .milliseconds(151)
        scene.say(hello, note: nil)
        let syn = try #require(scene.table.syns.last)
        #expect(scene.table.syns.count == before + 1)
        #expect(syn.tuple == splice.upstream && syn.sequence == splice.isn)
        #expect(syn.timestamp == splice.synTimestamp)
        scene.say([1, 2, 3], at: hello.count, note: nil)
        #expect(scene.hasLate)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        let late = try #require(scene.table.sent.last)
        #expect(late.payload == [1, 2, 3])
        #expect(late.sequence == splice.isn &+ 1 &+ UInt32(hello.count))
        #expect(!scene.hasLate)
    }

    @Test func `counts although its hello was overwritten before it was read`() throws {
        let scene = Scene()
        try scene.teach()
        scene.table.isOverwritten = true
        let splice = try scene.open(1)
        #expect(scene.pending == 1 && scene.portsTaken == 1)
        #expect(scene.admission.current == 1 && scene.active == [0, 0, 0, 1])
        #expect(scene.counters.value(of: .classified) == 3)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        #expect(scene.pending == 0 && scene.counters.value(of: .established) == 3)
        scene.close(splice)
        scene.wait(milliseconds: 2000)
        #expect(scene.counters.value(of: .ended) == 3)
        expectNothingLeft(scene)
    }
}

@Suite struct `A client that comes again by a known name` {
    /// Notes of a later handshake.
    private func later(_ scene: Scene) -> HandshakeNote {
        var note = Scene.note(isn: 5)
        note.createdNanoseconds = scene.now
        return note
    }

    @Test func `ends what the worker still read of it`() throws {
        let scene = Scene()
        try scene.teach()
        scene.say(Array(hello.prefix(20)))
        #expect(scene.splicer.reading == 1)
        scene.now += .milliseconds(1)
        let splice = try scene.open(1, note: later(scene))
        #expect(scene.pending == 1 && scene.splicer.reading == 0)
        scene.end(splice)
        expectNothingLeft(scene)
    }

    @Test func `ends the attempt that the worker made for it`() throws {
        let scene = Scene()
        try scene.teach()
        scene.say(hello)
        let old = try scene.last()
        scene.now += .milliseconds(1)
        scene.table.delete(old)
        let splice = try scene.open(1, note: later(scene))
        #expect(scene.pending == 1 && scene.table.rows.count == 2)
        #expect(
            scene.table.rows[splice.client]?.createdNanoseconds == splice.createdNanoseconds)
        #expect(scene.portsTaken == 1 && scene.admission.current == 1)
        scene.end(splice)
        expectNothingLeft(scene)
    }

    @Test func `is not harmed by late word of the connection before`() throws {
        let scene = Scene()
        try scene.teach()
        let opening = try scene.openUnheard(1)
        let first = opening.splice
        scene.now += .milliseconds(1)
        scene.table.delete(first)
        scene.say(hello, note: later(scene))
        let second = try scene.last()
        scene.hear(opening)
        scene.tell(.established, of: first)
        scene.tell(.closed, of: first)
        #expect(scene.pending == 1)
        scene.table.set(second, FLOW_ESTABLISHED)
        scene.tell(.established, of: second)
        #expect(scene.pending == 0)
        scene.wait(milliseconds: 2000)
        #expect(scene.table.rows.count == 2)
        #expect(
            scene.table.rows[second.client]?.createdNanoseconds == second.createdNanoseconds)
        #expect(scene.portsTaken == 1 && scene.admission.current == 1)
        #expect(scene.active == [0, 0, 0, 1])
        scene.end(second)
        expectNothingLeft(scene)
    }

    @Test func `is begun anew by the worker when the table lost its flows`() throws {
        let scene = Scene()
        try scene.teach()
        scene.table.delete(try scene.open(1))
        scene.now += .milliseconds(200)
        scene.say(hello)
        #expect(try scene.last().client == Scene.client(1))
        #expect(scene.pending == 1 && scene.portsTaken == 1 && scene.admission.current == 1)
        scene.end(try scene.last())
        expectNothingLeft(scene)
    }
}
