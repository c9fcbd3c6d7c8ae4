// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Splicer while it connects` {
    private let hello = SampleHello.bytes(for: "a.test")

    @Test func `repeats the SYN with the client, but not at once`() throws {
        let scene = Scene()
        scene.say(hello)
        scene.now += .milliseconds(150)
        scene.say(hello, note: nil)
        #expect(scene.table.syns.count == 1)
        scene.now += .milliseconds(1)
        scene.say(hello, note: nil)
        scene.say(hello, note: nil)
        #expect(scene.table.syns.count == 2)
        #expect(scene.table.syns.first == scene.table.syns.last)
        #expect(scene.table.written.count == 1)
    }

    @Test func `takes the next endpoint when one refuses, each once`() throws {
        let scene = Scene()
        scene.say(hello)
        var attempts = [try scene.last()]
        for _ in 0..<2 {
            scene.tell(.refused, of: try scene.last())
            attempts.append(try scene.last())
        }
        #expect(attempts.map(\.endpoint).sorted() == [0, 1, 2])
        #expect(Set(attempts.map(\.upstream)).count == 3)
        #expect(scene.table.syns.count == 3)
        #expect(scene.table.rows.count == 2)
        #expect(scene.admission.current == 1)
        #expect(scene.portsInUse == 1)
        #expect(scene.fallback.words == [])
        scene.tell(.refused, of: try scene.last())
        #expect(scene.fallback.words == ["reject reset"])
        #expect(scene.counters.value(of: .failedAttempts) == 3)
        #expect(scene.table.rows.isEmpty)
        #expect(scene.admission.current == 0)
        #expect(scene.portsInUse == 0)
        #expect(scene.pending == 0 && scene.splicer.reading == 0)
    }

    @Test func `takes the next endpoint when one is silent`() throws {
        let scene = Scene()
        scene.say(hello)
        let first = try scene.last()
        scene.wait(milliseconds: 999)
        #expect(scene.table.written.count == 1)
        scene.wait(milliseconds: 1)
        let second = try scene.last()
        #expect(second.endpoint != first.endpoint)
        #expect(
            second.upstream.source != first.upstream.source || second.upstream != first.upstream)
        #expect(scene.table.rows[first.upstream.reversed] == nil)
        #expect(scene.admission.current == 1)
        #expect(scene.portsInUse == 1)
    }

    @Test func `ignores the refusal of an attempt that is over`() throws {
        let scene = Scene()
        scene.say(hello)
        let first = try scene.last()
        scene.wait(milliseconds: 1000)
        scene.tell(.refused, of: first)
        #expect(scene.table.written.count == 2)
    }

    @Test func `takes a flow that stands at the deadline for established`() throws {
        let scene = Scene()
        scene.say(hello)
        scene.table.set(try scene.last(), FLOW_ESTABLISHED)
        scene.wait(milliseconds: 1000)
        #expect(scene.table.written.count == 1)
        #expect(scene.pending == 0)
        #expect(scene.counters.value(of: .established) == 1)
        #expect(scene.admission.current == 1)
    }

    @Test func `takes another port to an endpoint that challenges`() throws {
        let scene = Scene()
        scene.say(hello)
        let first = try scene.last()
        scene.tell(.challenged, of: first, acknowledgement: 4242)
        let second = try scene.last()
        #expect(second.endpoint == first.endpoint)
        #expect(second.upstream.destination == first.upstream.destination)
        #expect(second.upstream.source != first.upstream.source)
        #expect(
            scene.table.resets == [Segment(tuple: first.upstream, sequence: 4242, flags: .reset)])
        #expect(scene.table.rows[first.upstream.reversed] == nil)
        #expect(scene.portsInUse == 1 && scene.admission.current == 1)
    }

    @Test func `gives an endpoint up that goes on challenging`() throws {
        let scene = Scene()
        scene.say(hello)
        for _ in 0..<4 { scene.tell(.challenged, of: try scene.last()) }
        #expect(Set(scene.table.written.map(\.endpoint)) == [0])
        scene.tell(.challenged, of: try scene.last())
        #expect(try scene.last().endpoint == 1)
        #expect(scene.portsInUse == 1)
    }

    @Test func `relays when the endpoint refuses an option`() throws {
        let scene = Scene()
        scene.say(hello)
        let splice = try scene.last()
        scene.tell(.optionsRefused, of: splice, acknowledgement: 99)
        #expect(
            scene.table.resets == [Segment(tuple: splice.upstream, sequence: 99, flags: .reset)])
        #expect(scene.fallback.words == ["relay 11 options-refused a.test"])
        #expect(scene.table.rows.isEmpty)
        #expect(scene.portsInUse == 0 && scene.admission.current == 0 && scene.pending == 0)
    }

    @Test func `relays at once what an endpoint is known to refuse`() throws {
        let scene = Scene()
        scene.say(hello)
        scene.tell(.optionsRefused, of: try scene.last())
        #expect(scene.splicer.routes.lessons.refusesTimestamps(0))
        #expect(!scene.splicer.routes.lessons.refusesTimestamps(1))
        #expect(scene.splicer.routes.lessons.version == 1)
        for number in 2...7 { scene.say(hello, from: Scene.client(number)) }
        #expect(scene.table.written.filter { $0.endpoint == 0 }.count == 1)
        #expect(scene.fallback.words.count > 1)
        #expect(Set(scene.fallback.words) == ["relay 11 options-refused a.test"])
    }

    @Test func `cuts hellos to what an endpoint takes, once it is known`() throws {
        let scene = Scene()
        scene.say(hello)
        scene.tell(.established, of: try scene.last(), mss: 900)
        #expect(scene.splicer.routes.lessons.segment(of: 0) == 900)
        #expect(scene.splicer.routes.lessons.segment(of: 1) == .max)
    }

    @Test func `drops everything when the client gives up`() throws {
        let scene = Scene()
        scene.say(hello)
        scene.tell(.abandoned, of: try scene.last())
        #expect(scene.table.rows.isEmpty)
        #expect(scene.portsInUse == 0 && scene.admission.current == 0 && scene.pending == 0)
        #expect(scene.splicer.reading == 0)
        #expect(scene.fallback.words == [])
    }

    @Test func `drops a client that gives up while it is read`() {
        let scene = Scene()
        scene.say(Array(hello[..<9]))
        scene.splicer.handle(
            FlowRecord(
                kind: .abandoned, client: Scene.client(), upstream: nil, createdNanoseconds: 0,
                sequence: 0, acknowledgement: 0, mss: 0), now: scene.now)
        #expect(scene.pending == 0 && scene.splicer.reading == 0)
    }

    @Test func `leaves the client alone when its flow was removed for another handshake`() throws {
        let scene = Scene()
        scene.say(hello)
        scene.table.delete(try scene.last())
        scene.wait(milliseconds: 1000)
        #expect(scene.table.written.count == 1)
        #expect(scene.pending == 0)
        #expect(scene.portsInUse == 0 && scene.admission.current == 0)
    }
}

@Suite struct `Splicer with a client that comes again` {
    private let hello = SampleHello.bytes(for: "a.test")

    @Test func `begins anew with a new handshake`() throws {
        let scene = Scene()
        scene.say(hello)
        let first = try scene.last()
        scene.table.delete(first)
        scene.say(SampleHello.bytes(for: "b.test"), note: Scene.note(isn: 1))
        #expect(try scene.last().note.clientISN == 1)
        #expect(try scene.last().upstream.destination == at("10.0.2.1:443"))
        #expect(scene.table.rows[first.upstream.reversed] == nil)
        #expect(scene.admission.current == 1 && scene.portsInUse == 1)
    }

    @Test func `begins anew with a new handshake before the old one was written`() throws {
        let scene = Scene()
        scene.say(hello, flushes: false)
        scene.say(SampleHello.bytes(for: "b.test"), note: Scene.note(isn: 1))
        #expect(scene.table.rows.count == 2)
        #expect(scene.table.rows[try scene.last().upstream.reversed] != nil)
        #expect(try scene.last().note.clientISN == 1)
        #expect(scene.admission.current == 1 && scene.portsInUse == 1)
    }

    @Test func `begins anew with a new handshake while it reads`() throws {
        let scene = Scene()
        scene.say(Array(hello[..<30]))
        scene.say(hello, note: Scene.note(isn: 5))
        #expect(try scene.last().note.clientISN == 5)
        #expect(scene.splicer.reading == 0)
    }

    /// Perhaps the flow stood, and the word of it lies in the ring that is read after the hellos.
    @Test func `wants to hear all that happened before it begins anew`() throws {
        let scene = Scene()
        scene.say(hello)
        let first = try scene.last()
        #expect(scene.hears(hello, note: Scene.note(), afterAll: false))
        #expect(!scene.hears(hello, note: Scene.note(isn: 1), afterAll: false))
        #expect(scene.table.written.count == 1, "nothing happened yet")
        scene.table.set(first, FLOW_CLOSED)
        scene.tell(.established, of: first)
        scene.tell(.closed, of: first)
        #expect(scene.hears(hello, note: Scene.note(isn: 1), afterAll: true))
        #expect(try scene.last().note.clientISN == 1)
        #expect(scene.counters.value(of: .established) == 1)
        #expect(scene.portsInUse == 2, "the old one lingers")
    }

    @Test func `wants to hear all that happened where a flow may stand`() throws {
        let scene = Scene()
        scene.say(hello)
        #expect(!scene.hears(hello, note: nil, afterAll: false))
        #expect(scene.hears(hello, note: nil, afterAll: true))
        #expect(scene.table.written.count == 1)
    }

    @Test func `is heard at once where nothing can have happened`() {
        let scene = Scene()
        #expect(scene.hears(hello, note: Scene.note(), afterAll: false))
        #expect(!scene.hearsEventsFirst)
    }

    /// Early data, or the rest of a hello whose route was clear: noted before the flows stood.
    @Test func `does not begin anew with more bytes of the same handshake`() throws {
        let scene = Scene()
        scene.say(hello, flushes: false)
        scene.say([1, 2, 3], at: hello.count)
        scene.say(hello)
        #expect(scene.table.written.count == 1)
        #expect(scene.table.syns.count == 1)
        #expect(scene.portsInUse == 1 && scene.admission.current == 1)
    }

    @Test func `begins anew when the flow table lost its flows`() throws {
        let scene = Scene()
        scene.say(hello)
        scene.table.delete(try scene.last())
        scene.now += .milliseconds(200)
        scene.say(hello)
        #expect(scene.table.written.count == 2)
        #expect(scene.table.rows.count == 2)
        #expect(scene.portsInUse == 1 && scene.admission.current == 1)
    }

    @Test func `ignores later bytes of a client that it has spliced`() throws {
        let scene = Scene()
        _ = try scene.establish()
        scene.say(hello, note: nil)
        #expect(scene.pending == 0)
        #expect(scene.table.written.count == 1)
    }

    @Test func `ignores bytes noted before a splice that stands by now`() throws {
        let scene = Scene()
        _ = try scene.establish()
        scene.say([1, 2, 3], at: hello.count)
        scene.say(hello)
        #expect(scene.pending == 0)
        #expect(scene.table.written.count == 1)
    }

    @Test func `ignores bytes noted before the relay had the client`() {
        let scene = Scene()
        scene.say(SampleHello.bytes(for: "c.test"))
        scene.say([1, 2, 3], at: 100)
        #expect(scene.pending == 0)
        scene.wait(milliseconds: 30_000)
        #expect(scene.fallback.words == ["reject alert"])
    }

    /// The relay could not make a socket: the client's repetition is all there is.
    @Test func `reads a client again that repeats its hello later`() {
        let scene = Scene()
        scene.say(SampleHello.bytes(for: "c.test"))
        for _ in 0..<4 { scene.wait(milliseconds: 50) }
        scene.say(SampleHello.bytes(for: "c.test"))
        #expect(scene.fallback.words == ["reject alert", "reject alert"])
    }
}
