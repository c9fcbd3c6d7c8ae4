// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import KernelSockets
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

private let hello = SampleHello.bytes(for: "b.test")

@Suite struct `Names that the datapath knows` {
    /// What the worker must see for itself.
    enum Oddity: CaseIterable {
        case twoEndpoints, limits, proxyProtocol, transparent, protocolRoute, sourceRoute, split
        case preface, serverFirst, unseen, notWanted

        func change(_ routes: inout RoutingSnapshot) {
            let known = Route(.exact(name("b.test")), cluster: 1)
            var conditions = RouteConditions()
            var listener = routes.listeners[Scene.listenerID] ?? ListenerRoutes(id: 0)
            let block = ["203.0.113.0/24"].compactMap { AddressBlock($0) }
            switch self {
            case .twoEndpoints:
                listener.table = RoutingTable([Route(.exact(name("b.test")), cluster: 0)])
            case .limits:
                var parts = ConnectionLimits.Parts()
                parts.process = ConnectionCap(100)
                routes.limits = ConnectionLimits(parts)
            case .proxyProtocol: routes.clusters[1].proxyProtocol = .v2
            case .transparent: routes.clusters[1].isTransparent = true
            case .protocolRoute:
                conditions.protocols = ["h2"]
                listener.table = RoutingTable([known, Route(.any, when: conditions, .cluster(0))])
            case .sourceRoute:
                conditions.sources = block
                listener.table = RoutingTable([known, Route(.any, when: conditions, .cluster(0))])
            case .split:
                let shares = [
                    RouteSplit.Share(cluster: 0, weight: 1),
                    RouteSplit.Share(cluster: 1, weight: 1),
                ]
                listener.table = RoutingTable([known, Route(.any, .split(RouteSplit(shares)))])
            case .preface: listener.proxySenders = block
            case .serverFirst: listener.serverFirstAfter = .milliseconds(200)
            case .unseen:
                listener.isSniffed = false
                listener.defaultCluster = 1
            case .notWanted: break
            }
            routes.listeners[Scene.listenerID] = listener
        }
    }

    private func expectNothingKnown(_ scene: Scene) {
        #expect(scene.table.known.isEmpty && scene.table.slots.isEmpty && scene.laid.isEmpty)
        #expect(!scene.knowsNames)
    }

    @Test func `are learned from the second hello, not from the first`() throws {
        let scene = Scene()
        _ = try scene.establish(1, name: "b.test")
        expectNothingKnown(scene)
        let splice = try scene.establish(2, name: "b.test")
        let known = try #require(scene.table.known.first)
        #expect(scene.table.known.count == 1)
        #expect(known.name == name("b.test"))
        #expect(known.listener == Scene.listenerID && known.isIPv4)
        #expect(splice.serverName != 0)
        let route = KnownRoute(
            slot: 0, cluster: 12, endpoint: 0, segmentSize: 1400, serverName: splice.serverName)
        #expect(known.route == route)
        #expect(scene.table.slots[0]?.endpoint == at("10.0.2.1:443"))
        #expect(scene.table.slots[0]?.source == Scene.source)
        #expect(scene.knowsNames)
    }

    /// Others may have pushed them out.
    @Test func `are learned again from hellos that come nevertheless, once a second`() throws {
        let scene = Scene()
        try scene.teach()
        _ = try scene.establish(1, name: "b.test")
        #expect(scene.table.known.count == 1)
        scene.wait(milliseconds: 1000)
        for number in 2...4 { _ = try scene.establish(number, name: "b.test") }
        #expect(scene.table.known.count == 2)
        #expect(scene.table.slots.count == 1)
    }

    @Test(arguments: Oddity.allCases)
    func `are not learned where more than the name decides`(oddity: Oddity) throws {
        let scene = Scene(
            settings: { $0.learnsNames = oddity != .notWanted }, routes: { oddity.change(&$0) })
        for number in 1...4 { _ = try scene.establish(number, name: "b.test") }
        expectNothingKnown(scene)
    }

    @Test func `are learned from a hello in two packets, too`() throws {
        let scene = Scene()
        for number in 1...3 {
            scene.say(Array(hello.prefix(20)), from: Scene.client(number))
            scene.say(Array(hello.dropFirst(20)), at: 20, from: Scene.client(number))
        }
        #expect(scene.table.written.count == 3)
        #expect(scene.table.known.count == 1)
    }

    @Test(arguments: [56, 57]) func `are not too long`(length: Int) throws {
        let scene = Scene(routes: { $0.listeners[Scene.listenerID]?.defaultCluster = 1 })
        let text = String(repeating: "x", count: length - 5) + ".test"
        for number in 1...3 { _ = try scene.establish(number, name: text) }
        #expect(scene.table.known.count == (length <= 56 ? 1 : 0))
    }

    @Test func `do not lead to an endpoint that refuses timestamps`() throws {
        let scene = Scene()
        scene.splicer.routes.lessons.learnRefusal(of: 3)
        var note = Scene.note()
        note.hasTimestamps = false
        for number in 1...3 { scene.say(hello, from: Scene.client(number), note: note) }
        #expect(scene.table.written.count == 3)
        expectNothingKnown(scene)
    }

    @Test func `are heard of before hellos are looked at`() throws {
        let scene = Scene()
        let stranger = Scene.client(7)
        #expect(!scene.hearsEventsFirst && scene.knows(7))
        #expect(scene.hears([1], from: stranger, note: nil, afterAll: false))
        try scene.teach()
        #expect(scene.hearsEventsFirst && !scene.knows(7))
        let opening = try scene.openUnheard(7)
        #expect(!scene.hears([1], from: stranger, note: nil, afterAll: false))
        scene.hear(opening)
        #expect(scene.knows(7))
        #expect(scene.hears(hello, from: stranger, note: nil, afterAll: true))
        #expect(scene.pending == 1)
    }
}

@Suite struct `Ports laid out for the datapath` {
    @Test func `are nobody else's, and there are more when some were taken`() throws {
        let scene = Scene()
        try scene.teach()
        let first = scene.laid
        #expect(first.count >= 16 && Set(first).count == first.count)
        #expect(first.allSatisfy { (20000...20099).contains($0) })
        #expect(scene.portsTaken == 0)
        for number in 1...9 {
            let own = try scene.establish(number, name: "b.test")
            #expect(!scene.laid.contains(own.upstream.source.port))
        }
        let opened = try (11...19).map { try scene.open($0) }
        #expect(Set(opened.map(\.upstream.source)).count == 9)
        #expect(opened.allSatisfy { !scene.laid.contains($0.upstream.source.port) })
        #expect(scene.laid.count >= first.count && Set(scene.laid).count == scene.laid.count)
        #expect(scene.portsTaken == 18 && scene.admission.current == 18)
    }

    @Test func `are this worker's`() throws {
        let scene = Scene(settings: {
            $0.workers = 2
            $0.worker = 1
        })
        try scene.teach()
        #expect(!scene.laid.isEmpty && scene.laid.allSatisfy { $0 % 2 == 1 })
    }

    @Test func `are few where the table has little room`() throws {
        let scene = Scene(admitting: 40)
        try scene.teach()
        #expect((1...10).contains(scene.laid.count))
    }

    @Test func `are shared by names that lead to the same endpoint`() throws {
        let scene = Scene(routes: { $0.listeners[Scene.listenerID]?.defaultCluster = 1 })
        try scene.teach("b.test")
        try scene.teach("x.test")
        #expect(scene.table.known.map(\.route.slot) == [0, 0])
        #expect(scene.table.slots.count == 1)
    }

    @Test func `come back when a row was in the way`() throws {
        let scene = Scene()
        try scene.teach()
        let opening = try scene.openUnheard(1, fails: true)
        #expect(scene.portsTaken == 1)
        scene.hear(opening)
        #expect(scene.portsTaken == 0 && scene.pending == 0)
        expectNothingLeft(scene)
        #expect(scene.counters.value(of: .classified) == 2)
        // Its hello comes to the worker.
        scene.say(hello)
        #expect(try scene.last().client == Scene.client(1))
    }
}
