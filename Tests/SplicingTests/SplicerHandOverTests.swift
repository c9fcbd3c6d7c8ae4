// SPDX-License-Identifier: Apache-2.0

import KernelSockets
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Splicer that does not splice` {
    private let hello = SampleHello.bytes(for: "a.test")

    /// What every hand-over leaves behind: nothing.
    private func expectNothingLeft(_ scene: Scene) {
        let (pending, reading) = (scene.pending, scene.splicer.reading)
        let (current, ports) = (scene.admission.current, scene.portsInUse)
        #expect(pending == 0)
        #expect(reading == 0)
        #expect(current == 0)
        #expect(ports == 0)
        #expect(scene.table.rows.isEmpty)
    }

    @Test func `rejects a name without a route`() {
        let scene = Scene()
        scene.say(SampleHello.bytes(for: "c.test"))
        scene.say(SampleHello.bytes(for: nil), from: Scene.client(2))
        #expect(scene.fallback.words == ["reject alert", "reject alert"])
        expectNothingLeft(scene)
    }

    @Test func `sends a name without a route to the default`() throws {
        let scene = Scene(routes: { $0.listeners[Scene.listenerID]?.defaultCluster = 1 })
        scene.say(SampleHello.bytes(for: "c.test"))
        #expect(try scene.last().cluster == 12)
    }

    @Test func `closes on what is not TLS, or sends it to its cluster`() throws {
        let scene = Scene()
        scene.say(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(scene.fallback.words == ["reject close"])
        expectNothingLeft(scene)
        let other = Scene(routes: { $0.listeners[Scene.listenerID]?.nonTLSCluster = 1 })
        other.say(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(try other.last().cluster == 12)
    }

    @Test func `rejects a hello that is too large`() {
        let scene = Scene(routes: { $0.listeners[Scene.listenerID]?.helloLimit = 600 })
        scene.say(Array(SampleHello.bytes(for: "a.test", padding: 1000)[..<500]))
        #expect(scene.fallback.words == ["reject alert"])
        #expect(scene.counters.value(of: .clientHelloTooLarge) == 1)
        expectNothingLeft(scene)
    }

    @Test func `lets the relay read on past urgent data`() {
        let scene = Scene()
        scene.say(Array(hello[..<20]))
        scene.say(Array(hello[20...]), at: 20, isUrgent: true)
        #expect(scene.fallback.words == ["classify urgent-data"])
        #expect(scene.fallback.entries.first?.connection.received == Array(hello[..<20]))
        expectNothingLeft(scene)
    }

    @Test func `lets the relay read a hello that trickles in`() {
        let scene = Scene()
        for index in 0..<4 { scene.say([hello[index]], at: index) }
        #expect(scene.fallback.words == ["classify trickled-hello"])
        #expect(scene.fallback.entries.first?.connection.received == Array(hello[..<4]))
        expectNothingLeft(scene)
    }

    @Test func `hands over a connection with all that was agreed on`() throws {
        let scene = Scene()
        scene.say(SampleHello.bytes(for: "c.test"))
        let connection = try #require(scene.fallback.entries.first?.connection)
        #expect(connection.tuple == Scene.client())
        #expect(connection.clientNext == Scene.isn &+ 1)
        #expect(connection.ourNext == Scene.cookie + 1)
        #expect(connection.received == SampleHello.bytes(for: "c.test"))
        #expect(connection.mss == 1460)
        #expect(connection.clientScale == 9 && connection.ourScale == 7)
        #expect(connection.hasSACK)
        #expect(connection.timestamps == .init(peerValue: 900, ourValue: 5002))
        #expect(connection.clientWindow == 502 << 9)
    }

    /// The worker reads its clock before its ring: the note may be younger.
    @Test func `hands over a connection whose note is younger than the round`() throws {
        let scene = Scene()
        var note = Scene.note()
        note.createdNanoseconds = scene.now + .milliseconds(3)
        scene.say(SampleHello.bytes(for: "c.test"), note: note)
        let connection = try #require(scene.fallback.entries.first?.connection)
        #expect(connection.timestamps?.ourValue == 5000)
    }

    @Test func `relays when splicing is off`() {
        let scene = Scene(settings: { $0.isSplicing = false })
        scene.say(hello)
        #expect(scene.fallback.words == ["relay 11 splicing-off a.test"])
        expectNothingLeft(scene)
    }

    @Test func `relays to an endpoint of another address family`() {
        let scene = Scene(routes: { $0.targets[0].address = at("[2001:db8::5]:443") })
        scene.say(hello)
        #expect(scene.fallback.words == ["relay 11 address-family a.test"])
        expectNothingLeft(scene)
    }

    @Test func `relays to an endpoint with an obstacle`() {
        let scene = Scene(routes: { $0.targets[0].obstacle = .localEndpoint })
        scene.say(hello)
        #expect(scene.fallback.words == ["relay 11 local-endpoint a.test"])
        expectNothingLeft(scene)
    }

    @Test func `relays above the admission limit`() {
        let scene = Scene(admitting: 1)
        scene.say(hello)
        scene.say(hello, from: Scene.client(2))
        #expect(scene.fallback.words == ["relay 11 table-full a.test"])
        #expect(scene.admission.current == 1)
        #expect(scene.pending == 1)
    }

    @Test func `relays when the endpoint's ports are all in use`() {
        let scene = Scene(settings: { $0.ports = [20000...20001] })
        for number in 1...3 {
            scene.say(SampleHello.bytes(for: "b.test"), from: Scene.client(number))
        }
        #expect(scene.fallback.words == ["relay 12 no-port b.test"])
        #expect(scene.admission.current == 2)
        #expect(scene.splicer.reading == 0)
    }

    @Test func `relays a whole round when the flow table refuses it`() {
        let scene = Scene()
        scene.table.isFull = true
        scene.say(hello, flushes: false)
        scene.say(SampleHello.bytes(for: "b.test"), from: Scene.client(2))
        #expect(
            scene.fallback.words == ["relay 11 table-full a.test", "relay 12 table-full b.test"])
        #expect(scene.table.sent.isEmpty)
        expectNothingLeft(scene)
        scene.table.isFull = false
        scene.say(hello, from: Scene.client(3))
        #expect(scene.table.written.count == 1)
    }
}
