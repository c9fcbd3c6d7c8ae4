// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import KernelSockets
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Splicer with slow clients` {
    private let part = Array(SampleHello.bytes(for: "a.test")[..<20])

    @Test func `turns a late hello away`() {
        let scene = Scene()
        scene.say(part)
        scene.wait(milliseconds: 9999)
        #expect(scene.fallback.words == [])
        scene.wait(milliseconds: 1)
        #expect(scene.fallback.words == ["reject close"])
        #expect(scene.counters.value(of: .clientHelloTimedOut) == 1)
        #expect(scene.pending == 0 && scene.splicer.reading == 0)
    }

    @Test func `sends a late hello to the default when told so`() {
        let scene = Scene(routes: {
            $0.listeners[Scene.listenerID]?.defaultCluster = 1
            $0.listeners[Scene.listenerID]?.lateGoesToDefault = true
        })
        scene.say(part)
        scene.wait(milliseconds: 10_000)
        #expect(scene.fallback.words == ["relay 12 default-route -"])
        #expect(scene.pending == 0 && scene.splicer.reading == 0)
    }

    @Test func `resets the oldest when too many are read`() {
        let scene = Scene(settings: { $0.limits.halfClassified = 3 })
        for number in 1...3 {
            scene.now += 1
            scene.say(part, from: Scene.client(number))
        }
        // The oldest goes on to an endpoint: it is nobody's place any more.
        scene.say(
            Array(SampleHello.bytes(for: "a.test")[20...]), at: 20, from: Scene.client(1))
        for number in 4...5 { scene.say(part, from: Scene.client(number)) }
        #expect(scene.pending == 4)
        #expect(scene.splicer.reading == 3)
        let reset = Segment(
            tuple: Scene.client(2).reversed, sequence: Scene.cookie + 1, flags: .reset)
        #expect(scene.table.resets == [reset])
        #expect(scene.counters.value(of: .rejected) == 1)
        #expect(scene.counters.value(of: .helloEvicted) == 1)
        #expect(scene.fallback.words == [])
    }

    @Test func `ends clients of a hasty listener behind those of a patient one`() {
        let scene = Scene(routes: {
            var patient = ListenerRoutes(id: 4)
            patient.helloTimeout = .seconds(60)
            $0.listeners[4] = patient
        })
        var note = Scene.note()
        note.listener = 4
        scene.say(part, from: Scene.client(1), note: note)
        scene.say(part, from: Scene.client(2))
        scene.wait(milliseconds: 10_000)
        #expect(scene.fallback.entries.map(\.connection.tuple) == [Scene.client(2)])
        scene.wait(milliseconds: 50_000)
        #expect(
            scene.fallback.entries.map(\.connection.tuple) == [Scene.client(2), Scene.client(1)])
    }

    /// What the counters of a splicer must be after anything: those of its clients.
    @Test(arguments: 0..<20)
    func `keeps its counts through any order of events`(seed: UInt64) throws {
        let scene = Scene(admitting: 30, settings: { $0.limits.halfClassified = 10 })
        var random = Numbers(state: seed)
        let hello = SampleHello.bytes(for: "a.test")
        for _ in 0..<3000 {
            scene.now += 1000
            let client = Scene.client(Int.random(in: 1...40, using: &random))
            let splice = scene.table.written.last { $0.client == client }
            let note = Scene.note(isn: UInt32.random(in: 1...2, using: &random))
            switch Int.random(in: 0..<12, using: &random) {
            // The datapath gives notes only of clients without a flow.
            case 0...3:
                guard scene.table.rows[client] == nil else { continue }
                let bytes = Bool.random(using: &random) ? hello : Array(hello[..<20])
                scene.say(bytes, from: client, note: note, flushes: Bool.random(using: &random))
            case 4: scene.say(hello, from: client, note: nil)
            case 5: scene.wait(milliseconds: Int.random(in: 1...1500, using: &random))
            case 6:
                if let splice { scene.tell(.refused, of: splice) }
            case 7:
                if let splice { scene.tell(.abandoned, of: splice) }
            case 8:
                if let splice { scene.tell(.challenged, of: splice) }
            case 9:
                let created = scene.table.rows[client]?.createdNanoseconds
                if let splice, created == splice.createdNanoseconds { scene.table.delete(splice) }
            default:
                guard let splice, let row = scene.table.rows[client],
                    row.createdNanoseconds == splice.createdNanoseconds
                else { continue }
                scene.table.set(splice, FLOW_CLOSED)
                scene.tell(.established, of: splice)
                scene.tell(.closed, of: splice)
                if Bool.random(using: &random) { scene.tell(.reset, of: splice) }
            }
            let clients = scene.splicer.pending.values
            try #require(scene.splicer.reading == clients.filter { $0.splice == nil }.count)
            try #require(scene.admission.current == scene.portsInUse)
        }
        scene.flush()
        for _ in 0..<40 { scene.wait(milliseconds: 1000) }
        #expect(scene.pending == 0 && scene.splicer.reading == 0)
        #expect(scene.admission.current == scene.portsInUse)
        #expect(scene.table.rows.count == 2 * scene.portsInUse)
    }
}
