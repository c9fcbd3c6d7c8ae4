// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

/// Clients that wait for their endpoint to speak.
@Suite struct `Splicer with silent clients` {
    private let hello = SampleHello.bytes(for: "b.test")

    private func scene(
        _ change: @escaping (inout ListenerRoutes) -> Void, proxy: ProxyProtocol = .off
    ) -> Scene {
        Scene { _ in
        } routes: {
            $0.clusters[0].proxyProtocol = proxy
            $0.listeners[Scene.listenerID]?.defaultCluster = 0
            if var listener = $0.listeners[Scene.listenerID] {
                change(&listener)
                $0.listeners[Scene.listenerID] = listener
            }
        }
    }

    private func tcp(proxy: ProxyProtocol = .off) -> Scene {
        scene({ $0.isSniffed = false }, proxy: proxy)
    }

    private func patient(proxy: ProxyProtocol = .off) -> Scene {
        scene({ $0.serverFirstAfter = .milliseconds(200) }, proxy: proxy)
    }

    @Test func `connects them at once where nobody looks at bytes`() throws {
        let scene = tcp()
        scene.say([])
        let splice = try scene.last()
        #expect(splice.cluster == 11 && splice.template.segments == 0 && splice.helloLength == 0)
        #expect(scene.table.syns.count == 1)
        let up = splice.upstreamEntry
        #expect(up.seq_delta == splice.isn &- Scene.isn && up.hello_length == 0)
    }

    @Test func `does not look at the bytes of those who speak first either`() throws {
        let scene = tcp()
        scene.say([], flushes: false)
        scene.say(hello, flushes: false)
        scene.flush()
        #expect(scene.table.stored == [hello])
        #expect(try scene.last().cluster == 11, "not that of its name")
        scene.say(hello, from: Scene.client(2))
        #expect(try scene.last().cluster == 11)
    }

    @Test func `sends on what they say while the endpoint is asked`() throws {
        let scene = tcp()
        scene.say([])
        let splice = try scene.last()
        scene.say(hello, note: nil)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        let sent = try #require(scene.table.sent.last)
        #expect(sent.payload == hello && sent.sequence == splice.isn &+ 1)
    }

    @Test func `waits for their hello for a while elsewhere`() throws {
        let scene = patient()
        scene.say([])
        scene.wait(milliseconds: 190)
        #expect(scene.table.written.isEmpty && scene.pending == 1)
        scene.wait(milliseconds: 20)
        #expect(try scene.last().cluster == 11)
        // One that says something in time is routed by it, and has the time of a hello for it.
        scene.say([], from: Scene.client(2))
        scene.say(Array(hello.prefix(20)), from: Scene.client(2))
        scene.wait(milliseconds: 300)
        scene.say(Array(hello[20...]), at: 20, from: Scene.client(2))
        #expect(try scene.last().cluster == 12)
    }

    @Test func `repeats the SYN for them, who repeat nothing`() throws {
        let scene = tcp()
        scene.say([])
        scene.wait(milliseconds: 100)
        #expect(scene.table.syns.count == 1)
        scene.wait(milliseconds: 100)
        #expect(scene.table.syns.count == 2)
        let splice = try scene.last()
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        scene.wait(milliseconds: 200)
        #expect(scene.table.syns.count == 2 && scene.pending == 0)
    }

    /// What the datapath tells of a client that left before it knew of an attempt.
    private func leave(_ scene: Scene) {
        let event = FlowRecord(
            kind: .abandoned, client: Scene.client(), upstream: nil, createdNanoseconds: 0,
            sequence: Scene.isn &+ 1, acknowledgement: 0, mss: 0)
        scene.splicer.handle(event, now: scene.now)
        scene.flush()
    }

    @Test func `gives up the attempt for one that left meanwhile`() throws {
        let scene = tcp()
        scene.say([])
        #expect(scene.pending == 1 && scene.portsInUse == 1)
        leave(scene)
        #expect(scene.pending == 0 && scene.portsInUse == 0)
        #expect(scene.table.rows.isEmpty && scene.admission.current == 0)
    }

    @Test func `resets an endpoint that answered for one that left meanwhile`() throws {
        let scene = tcp()
        scene.say([])
        let splice = try scene.last()
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        leave(scene)
        #expect(scene.table.rows.isEmpty && scene.portsInUse == 0)
        #expect(scene.table.resets.map(\.tuple) == [splice.upstream])
        // A later connection of the same port is another one.
        scene.table.sent.removeAll()
        leave(scene)
        #expect(scene.table.resets.isEmpty)
    }

    @Test(arguments: [ProxyProtocol.v1, .v2])
    func `gives them to the relay where a header goes first`(version: ProxyProtocol) {
        let scenes = [tcp(proxy: version), patient(proxy: version)]
        for scene in scenes {
            scene.say([])
            scene.wait(milliseconds: 250)
            #expect(scene.fallback.words == ["relay 11 server-first -"])
            #expect(scene.table.written.isEmpty && scene.pending == 0)
            scene.say(hello, from: Scene.client(2))
            #expect(scene.table.written.count == 1)
        }
    }

    /// Whoever must begin with a PROXY header has said nothing to its endpoint with that.
    @Test func `count the time from the end of their PROXY header`() throws {
        let preface = ProxyProtocol.v2.header(of: ProxySubject(Scene.client()))
        let scene = scene {
            $0.serverFirstAfter = .milliseconds(200)
            $0.proxySenders = [AddressBlock("198.51.100.0/24")].compactMap(\.self)
        }
        func number() -> Int { scene.table.written.count }
        // The header at once; in two parts, the second late; the header with the first byte behind.
        scene.say(preface)
        scene.say(Array(preface.prefix(9)), from: Scene.client(2))
        scene.say(preface + hello.prefix(1), from: Scene.client(3))
        scene.wait(milliseconds: 150)
        scene.say(Array(preface[9...]), at: 9, from: Scene.client(2))
        #expect(number() == 0)
        scene.wait(milliseconds: 70)
        #expect(number() == 1)
        let splice = try scene.last()
        #expect(splice.client == Scene.client() && splice.cluster == 11)
        #expect(splice.template.segments == 0 && Int(splice.helloLength) == preface.count)
        scene.wait(milliseconds: 140)
        #expect(number() == 2)
        #expect(try scene.last().client == Scene.client(2))
        scene.say(Array(hello[1...]), at: preface.count + 1, from: Scene.client(3))
        #expect(try scene.last().cluster == 12)
    }

    @Test func `tells the datapath to speak of them, and of no others`() {
        func told(_ change: (inout ListenerRoutes) -> Void) -> Bool {
            var listener = ListenerRoutes(id: 1)
            change(&listener)
            return listener.servesSilentClients
        }
        #expect(!told { _ in })
        #expect(told { $0.isSniffed = false })
        #expect(told { $0.serverFirstAfter = .milliseconds(200) })
    }
}
