// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import KernelSockets
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

private let hello = SampleHello.bytes(for: "b.test")

/// Where one must look twice.
@Suite struct `Ports of known names` {
    private func expectUnharmed(_ scene: Scene, _ laid: [UInt16]) {
        #expect(Set(scene.laid).isSuperset(of: laid))
        expectNothingLeft(scene)
    }

    /// FINs, then an RST: the port was laid out again between their lingers.
    @Test func `are not free by what is told again of their last splice`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20003] })
        try scene.teach()
        let splice = try scene.open(1)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        scene.close(splice)
        scene.wait(milliseconds: 1900)
        scene.table.set(splice, FLOW_RESET)
        scene.tell(.reset, of: splice)
        scene.wait(milliseconds: 100)
        let laid = scene.laid
        #expect(laid.contains(splice.upstream.source.port))
        scene.wait(milliseconds: 500)
        expectUnharmed(scene, laid)
        scene.end(splice)
        expectUnharmed(scene, laid)
    }

    @Test func `are not free by another worker's word`() throws {
        let scene = Scene()
        try scene.teach()
        let laid = scene.laid
        let port = try #require(laid.first)
        scene.splicer.handle(
            .free(TransportAddress(Scene.source, port), target: 3), now: scene.now)
        scene.flush()
        expectUnharmed(scene, laid)
    }

    /// The client's SYN removed the rows of a connection that never stood: nobody else tells of it.
    @Test func `come back of a client that went on before it was heard of`() throws {
        let scene = Scene()
        try scene.teach()
        let opening = try scene.openUnheard(1)
        scene.now += .milliseconds(1)
        scene.table.delete(opening.splice)
        var note = Scene.note(isn: 5)
        note.createdNanoseconds = scene.now
        scene.say(hello, note: note)
        scene.hear(opening)
        #expect(scene.pending == 1 && scene.portsTaken == 2)
        scene.wait(milliseconds: 500)
        #expect(scene.pending == 1 && scene.portsTaken == 1)
        #expect(scene.admission.current == 1 && scene.active == [0, 0, 0, 1])
        scene.end(try scene.last())
        expectNothingLeft(scene)
    }

    @Test func `are fewer where the table fills`() throws {
        let scene = Scene(admitting: 100)
        try scene.teach()
        #expect(scene.laid.count == 16)
        for _ in 0..<80 { #expect(scene.admission.admit()) }
        scene.wait(milliseconds: 20)
        #expect(scene.laid.count == 20 / 4 && scene.portsTaken == 0)
        // A quarter of what is left, which nobody else gets until it is taken back.
        for _ in 0..<15 { #expect(scene.admission.admit()) }
        #expect(!scene.admission.admit())
        scene.wait(milliseconds: 20)
        #expect(scene.laid.count == 1)
        for _ in 0..<4 { #expect(scene.admission.admit()) }
        scene.wait(milliseconds: 20)
        #expect(scene.laid.isEmpty && scene.portsInUse == 0)
        #expect(scene.admission.admit() && !scene.admission.admit())
    }

    @Test func `give their place to a client of the worker when there is no other`() throws {
        let scene = Scene(admitting: 40)
        try scene.teach()
        let laid = scene.laid.count
        #expect(laid > 0)
        for _ in 0..<40 - laid { #expect(scene.admission.admit()) }
        #expect(!scene.admission.admit())
        _ = try scene.establish(1, name: "a.test")
        #expect(scene.laid.count == laid - 1 && scene.admission.current == 40 - laid + 1)
    }

    @Test func `are the worker's own when there are no others`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20009] })
        try scene.teach()
        _ = try scene.establish(1, name: "b.test")
        #expect(scene.fallback.words == [])
    }

    /// Its datapath went on by itself until ours was attached.
    @Test func `may be out for what an earlier daemon's datapath opened`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20001] })
        let upstream = FlowTuple(
            source: TransportAddress(Scene.source, 20000), destination: at("10.0.2.1:443"))
        let route = KnownRoute(slot: 0, cluster: 12, endpoint: 0, segmentSize: 1400, serverName: 0)
        let opening = scene.openUnheard(1, named: "b.test", note: Scene.note(), upstream, route)
        scene.hear(opening)
        #expect(scene.portsInUse == 1)
        let own = try scene.establish(2, name: "b.test")
        #expect(own.upstream.source.port == 20001)
        for splice in [opening.splice, own] { scene.end(splice) }
        expectNothingLeft(scene)
    }
}
