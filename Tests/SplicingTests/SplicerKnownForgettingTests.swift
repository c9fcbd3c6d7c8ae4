// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import KernelSockets
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

private let hello = SampleHello.bytes(for: "b.test")

@Suite struct `Known names are forgotten` {
    enum Change: CaseIterable {
        case configuration, ways, health, administration, command, refusedTimestamps
        case smallSegment, nameIDs

        /// Between two ticks.
        func happen(to scene: Scene) {
            let routes = scene.splicer.routes
            let states = routes.clusters[1].picker.states
            switch self {
            case .configuration: scene.reload(routes)
            case .ways:
                scene.splicer.handle(.ways(routes.targets, segmentSize: 1400), now: scene.now)
            case .health: states.set(health: .down, of: 0, now: scene.now)
            case .administration: states.set(administration: .draining, of: 0, now: scene.now)
            case .command: scene.table.hidesNames = true
            case .refusedTimestamps: routes.lessons.learnRefusal(of: 3)
            case .smallSegment: routes.lessons.learn(segment: 900, of: 3)
            case .nameIDs:
                for _ in 0..<2 { scene.names.sweep(used: []) }
            }
        }
    }

    @Test(arguments: Change.allCases)
    func `by what changes their way, and their ports come back at once`(
        change: Change
    ) throws {
        let scene = Scene(names: 1)
        try scene.teach()
        scene.wait(milliseconds: 20)
        #expect(scene.table.known.count == 1)
        change.happen(to: scene)
        scene.wait(milliseconds: 0)
        #expect(scene.table.known.isEmpty && !scene.knowsNames)
        #expect(scene.laid.isEmpty && scene.portsInUse == 0)
        // A packet may be on its way there.
        scene.wait(milliseconds: 999)
        #expect(scene.slotsInUse == 1)
        scene.wait(milliseconds: 1)
        #expect(scene.slotsInUse == 0)
        expectNothingLeft(scene)
    }

    @Test func `not by what happens to another cluster`() throws {
        let scene = Scene()
        try scene.teach()
        let states = scene.splicer.routes.clusters[0].picker.states
        states.set(health: .down, of: 0, now: scene.now)
        scene.wait(milliseconds: 20)
        #expect(scene.table.known.count == 1)
    }

    @Test func `and learned from the next hello, in the same slot`() throws {
        let scene = Scene()
        try scene.teach()
        scene.reload(scene.splicer.routes)
        scene.wait(milliseconds: 500)
        _ = try scene.establish(1, name: "b.test")
        #expect(scene.table.known.map(\.route.slot) == [0])
        let laid = scene.laid
        #expect(!laid.isEmpty)
        for _ in 0..<3 { scene.wait(milliseconds: 1000) }
        #expect(scene.laid == laid && scene.slotsInUse == 1)
        let opened = try scene.open(2)
        #expect(opened.upstream.source.port == laid.first)
    }

    /// Its SYN was on its way.
    @Test func `but not who was opened before`() throws {
        let scene = Scene()
        try scene.teach()
        let openings = try (1...2).map { try scene.openUnheard($0) }
        scene.hear(openings[0])
        scene.reload(scene.splicer.routes)
        scene.wait(milliseconds: 10)
        scene.hear(openings[1])
        #expect(scene.pending == 2 && scene.admission.current == 2)
        for _ in 0..<2 { scene.wait(milliseconds: 400) }
        for opening in openings {
            scene.table.set(opening.splice, FLOW_ESTABLISHED)
            scene.tell(.established, of: opening.splice)
        }
        scene.wait(milliseconds: 1000)
        #expect(scene.laid.isEmpty && scene.portsInUse == 2 && scene.active == [0, 0, 0, 2])
        for opening in openings { scene.end(opening.splice) }
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `and the cluster of who was opened may be gone`(isHeard: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let opening = try scene.openUnheard(1)
        if isHeard { scene.hear(opening) }
        let old = scene.splicer.routes
        var listeners = old.listeners
        listeners[Scene.listenerID]?.table = RoutingTable([
            Route(.exact(name("b.test")), cluster: 0)
        ])
        scene.reload(
            RoutingSnapshot(
                listeners: listeners, clusters: [old.clusters[0]], targets: old.targets,
                loads: old.loads, continuing: old))
        if !isHeard { scene.hear(opening) }
        #expect(scene.pending == 1 && scene.active == [0, 0, 0, 1])
        scene.tell(.refused, of: opening.splice)
        #expect(scene.fallback.words == ["reject reset"])
        expectNothingLeft(scene)
        scene.wait(milliseconds: 1000)
        #expect(scene.portsInUse == 0)
    }

    @Test func `and led to from the new source, while the old one's ports come back`() throws {
        let scene = Scene()
        try scene.teach()
        let second = at("10.0.0.2:1").address
        let old = try scene.open(1)
        stand(old, in: scene)
        var targets = scene.splicer.routes.targets
        for index in targets.indices { targets[index].sources = [second] }
        scene.splicer.handle(.ways(targets, segmentSize: 1400), now: scene.now)
        let own = try scene.establish(2, name: "b.test")
        #expect(scene.table.known.map(\.route.slot) == [1])
        #expect(scene.table.slots[1]?.source == second)
        #expect(scene.table.laid[0]?.isEmpty == true && scene.table.laid[1]?.isEmpty == false)
        let new = try scene.open(3)
        stand(new, in: scene)
        #expect(new.upstream.source.address == second && scene.portsTaken == 3)
        scene.wait(milliseconds: 1000)
        #expect(scene.slotsInUse == 1)
        for splice in [old, own, new] { scene.end(splice) }
        expectNothingLeft(scene)
    }

    private func stand(_ splice: Splice, in scene: Scene) {
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
    }
}
