// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Splicer with a hello` {
    private let hello = SampleHello.bytes(for: "a.test", padding: 3000)

    @Test func `writes one splice and sends one SYN when it is whole`() throws {
        let scene = Scene()
        scene.say(hello, flushes: false)
        #expect(scene.table.written.isEmpty && scene.table.sent.isEmpty)
        scene.flush()
        #expect(scene.table.written.count == 1)
        #expect(scene.table.stored == [hello])
        #expect(scene.table.sent.count == 1)
        #expect(scene.fallback.words == [])
        #expect(scene.pending == 1)
        #expect(scene.splicer.reading == 0)
        #expect(scene.admission.current == 1)
        #expect(scene.portsInUse == 1)
    }

    @Test func `believes no byte of a damaged segment`() {
        let scene = Scene()
        scene.say(hello, isDamaged: true)
        #expect(scene.table.written.isEmpty && scene.pending == 0)
        scene.say(hello)
        #expect(scene.table.written.count == 1)
    }

    @Test func `gives the splice everything that the datapath needs`() throws {
        let scene = Scene(settings: {
            $0.worker = 1; $0.workers = 2
        })
        scene.say(hello)
        let splice = try scene.last()
        #expect(splice.client == Scene.client())
        #expect(splice.upstream.source == TransportAddress(Scene.source, 20001))
        #expect(splice.upstream.destination == at("10.0.1.1:443"))
        #expect(splice.note == Scene.note())
        let sequence = InitialSequence(key: SplicerSettings().sequenceKey)
        #expect(splice.isn == sequence.number(for: splice.upstream, now: scene.now))
        #expect(splice.synTimestamp == UInt32(truncatingIfNeeded: scene.now / 1_000_000))
        #expect(splice.clientTimestamp == 900)
        #expect(splice.clientWindow == 502)
        #expect(splice.worker == 1)
        #expect(splice.cluster == 11)
        #expect(splice.endpoint == 0)
        #expect(splice.serverName == 1)
        #expect(splice.createdNanoseconds == scene.now)
        #expect(splice.template.length == UInt32(hello.count))
        #expect(splice.template.segments == 3)
    }

    @Test func `takes deltas that cancel out in the two directions`() throws {
        let scene = Scene()
        scene.say(hello)
        let splice = try scene.last()
        let up = splice.upstreamEntry
        let down = splice.downstreamEntry
        #expect(Scene.isn &+ up.seq_delta == splice.isn)
        #expect(splice.isn &+ down.ack_delta == Scene.isn)
        #expect(900 &+ up.tsval_delta == splice.synTimestamp)
        #expect(splice.synTimestamp &+ down.tsecr_delta == 900)
        #expect(FlowTuple(up.rewrite) == splice.upstream)
        #expect(FlowTuple(down.rewrite) == splice.client.reversed)
    }

    @Test func `mirrors the client's options in the SYN`() throws {
        let scene = Scene()
        scene.say(hello)
        let splice = try scene.last()
        let syn = try #require(scene.table.syns.first)
        #expect(syn.tuple == splice.upstream)
        #expect(syn.sequence == splice.isn)
        #expect(syn.mss == 1460)
        #expect(syn.windowScale == 9)
        #expect(syn.permitsSACK)
        #expect(syn.timestamp == splice.synTimestamp)
        #expect(syn.window == 1024)
    }

    @Test func `promises the endpoint no option that the client lacks`() throws {
        let scene = Scene()
        scene.say(hello, note: HandshakeNote(clientISN: 5, cookie: 6, listener: Scene.listenerID))
        let syn = try #require(scene.table.syns.first)
        #expect(syn.mss == 536)
        #expect(syn.windowScale == nil && syn.timestamp == nil && !syn.permitsSACK)
    }

    static let cuts: [[Range<Int>]] = [
        [0..<1400, 1400..<3100],
        [1400..<3100, 0..<1400],
        [0..<1400, 1400..<2800, 2800..<3100],
        [2800..<3100, 0..<1400, 1400..<2800],
        [1400..<2800, 2800..<3100, 0..<1400],
        [0..<1400, 0..<1400, 1000..<3100],
    ]

    @Test(arguments: cuts)
    func `puts a hello together from segments in any order`(cuts: [Range<Int>]) throws {
        let scene = Scene()
        for (index, cut) in cuts.enumerated() {
            #expect(scene.table.written.isEmpty)
            #expect(scene.splicer.reading == (index == 0 ? 0 : 1))
            scene.say(Array(hello[cut.clamped(to: hello.indices)]), at: cut.lowerBound)
        }
        #expect(scene.table.written.count == 1)
        #expect(scene.table.stored == [hello])
        #expect(scene.table.syns.count == 1)
        #expect(scene.splicer.reading == 0)
    }

    @Test func `takes endpoints in turn and a port of its own for each client`() throws {
        let scene = Scene()
        for number in 1...6 { scene.say(hello, from: Scene.client(number)) }
        #expect(scene.table.written.map { Int($0.endpoint) } == [0, 1, 2, 0, 1, 2])
        #expect(Set(scene.table.written.map(\.upstream)).count == 6)
    }

    @Test func `ignores bytes without a note`() {
        let scene = Scene()
        scene.say(hello, note: nil)
        #expect(scene.pending == 0)
        #expect(scene.table.written.isEmpty && scene.fallback.words.isEmpty)
    }

    @Test func `turns away clients of listeners that it does not know`() {
        let scene = Scene()
        scene.say(hello, note: HandshakeNote(clientISN: 1, cookie: 2, listener: 99))
        #expect(scene.pending == 0)
        #expect(scene.table.written.isEmpty && scene.fallback.words == ["reject alert"])
    }
}
