// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import KernelSockets
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

private let hello = SampleHello.bytes(for: "b.test")

@Suite struct `Known names that look well and are not` {
    /// What the datapath did just before it was told, or does meanwhile, may lie in the ring still.
    @Test func `are heard of for a while after they were forgotten`() throws {
        let scene = Scene()
        try scene.teach()
        let opening = try scene.openUnheard(1)
        scene.reload(scene.splicer.routes)
        #expect(scene.hearsEventsFirst)
        #expect(!scene.knows(1), "its refusal would be lost")
        #expect(!scene.hears([1], note: nil, afterAll: false))
        scene.hear(opening)
        scene.end(opening.splice)
        scene.wait(milliseconds: 1000)
        #expect(!scene.hearsEventsFirst && scene.knows(1))
    }

    /// Their own cluster had none left.
    @Test func `lead to another cluster only as long as theirs is empty`() throws {
        var balance = Balance()
        balance.triesUnwell = false
        let scene = Scene(balance: balance, routes: { $0.clusters[0].whenEmpty = .cluster(1) })
        let states = scene.splicer.routes.clusters[0].picker.states
        for index in 0..<3 { states.set(health: .down, of: index, now: scene.now) }
        try scene.teach("a.test")
        #expect(try scene.last().cluster == 12)
        states.set(health: .up, of: 0, now: scene.now)
        scene.wait(milliseconds: 20)
        #expect(scene.table.known.isEmpty)
    }

    /// The worker looked at its clock, then at its rings.
    @Test func `may have been opened after the time that a repeated hello comes with`() throws {
        let scene = Scene()
        try scene.teach()
        scene.now += .milliseconds(1)
        let splice = try scene.open(1)
        scene.now -= .milliseconds(1)
        scene.say(hello, note: nil)
        #expect(scene.pending == 1)
        scene.end(splice)
        expectNothingLeft(scene)
    }

    /// What the counters of a splicer must be after anything, with few ports that come round often.
    @Test(arguments: 0..<20)
    func `keep all counts through any order of events`(seed: UInt64) throws {
        let scene = Scene(settings: { $0.ports = [20000...20029] })
        try scene.teach()
        var random = Numbers(state: seed)
        var splices: [FlowTuple: Splice] = [:]
        for step in 0..<3000 {
            scene.now += 1000
            let number = Int.random(in: 1...20, using: &random)
            let client = Scene.client(number)
            let last = scene.table.written.last { $0.client == client }
            if let last, last.createdNanoseconds > splices[client]?.createdNanoseconds ?? 0 {
                splices[client] = last
            }
            let row = scene.table.rows[client]
            let splice = splices[client]
            let isItsRow = row != nil && row?.createdNanoseconds == splice?.createdNanoseconds
            var note = Scene.note(isn: UInt32(step))
            note.createdNanoseconds = scene.now
            switch Int.random(in: 0..<12, using: &random) {
            case 0...3:
                guard row == nil, let opening = try? scene.openUnheard(number, note: note)
                else { continue }
                if opening.record.createdNanoseconds > 0 { splices[client] = opening.splice }
                scene.hear(opening)
            case 4:
                guard row == nil else { continue }
                scene.say(hello, from: client, note: note)
            case 5: scene.wait(milliseconds: Int.random(in: 1...700, using: &random))
            case 6:
                if let splice, row?.state == .connecting { scene.tell(.refused, of: splice) }
            case 7:
                if let splice, row?.state == .connecting { scene.tell(.abandoned, of: splice) }
            case 8: if step % 50 == 0 { scene.reload(scene.splicer.routes) }
            case 9: if isItsRow, let splice { scene.table.delete(splice) }
            default:
                guard let splice, isItsRow else { continue }
                scene.table.set(splice, FLOW_CLOSED)
                scene.tell(.established, of: splice)
                scene.tell(.closed, of: splice)
                if Bool.random(using: &random) { scene.tell(.reset, of: splice) }
            }
            try #require(scene.admission.current == scene.portsTaken, "step \(step)")
            try #require(scene.active.reduce(0, +) == scene.portsTaken, "step \(step)")
            try #require(Set(scene.laid).count == scene.laid.count, "step \(step)")
        }
        for _ in 0..<40 { scene.wait(milliseconds: 1000) }
        #expect(scene.pending == 0 && scene.splicer.reading == 0)
        #expect(scene.admission.current == scene.portsTaken)
        #expect(scene.table.rows.count == 2 * scene.portsTaken, "\(scene.table.rows.values)")
    }
}
