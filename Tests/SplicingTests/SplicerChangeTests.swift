// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import Datapath
import HealthChecking
import Testing
import WireTypes

@testable import Splicing

/// Another configuration while clients are under way.
@Suite struct `Splicer whose configuration changes` {
    private let hello = SampleHello.bytes(for: "a.test")
    private static let another = at("10.0.9.9:443")

    /// The clusters in another order, and one endpoint more, the first of cluster 11; `a.test` goes
    /// on to cluster 11, `b.test` too.
    private func reordered(_ old: RoutingSnapshot, without gone: UInt16? = nil) -> RoutingSnapshot {
        let loads = old.loads + [EndpointLoad()]
        let targets =
            old.targets + [Target(address: Self.another, sources: [Scene.source])]
        func cluster(_ id: UInt16, _ places: [Int]) -> ClusterState {
            let endpoints = places.map { Endpoint(address: targets[$0].address) }
            return ClusterState(
                id: id, targets: places, connectTimeout: .seconds(1),
                picker: Picker(endpoints, loads: places.map { loads[$0] }))
        }
        var listener = ListenerRoutes(id: Scene.listenerID)
        let all = [cluster(12, [3]), cluster(11, [4, 0, 1, 2])].filter { $0.id != gone }
        if let place = all.firstIndex(where: { $0.id == 11 }) {
            listener.table = RoutingTable([
                Route(.exact(name("a.test")), cluster: place),
                Route(.exact(name("b.test")), cluster: place),
            ])
        }
        return RoutingSnapshot(
            listeners: [Scene.listenerID: listener], clusters: all, targets: targets, loads: loads,
            continuing: old)
    }

    @Test func `asks those endpoints of a client's cluster that it did not ask yet`() throws {
        let scene = Scene()
        scene.say(hello)
        let first = try scene.last()
        scene.change(to: reordered(scene.splicer.routes))
        var asked = [first.upstream.destination]
        for _ in 0..<3 {
            scene.tell(.refused, of: try scene.last())
            asked.append(try scene.last().upstream.destination)
        }
        #expect(Set(asked).count == 4)
        #expect(asked.contains(Self.another))
        #expect(scene.fallback.words == [])
        scene.tell(.refused, of: try scene.last())
        #expect(scene.fallback.words == ["reject reset"])
        #expect(scene.admission.current == 0 && scene.portsInUse == 0)
    }

    @Test func `lets an attempt under way succeed although its cluster is gone`() throws {
        let scene = Scene()
        scene.say(hello)
        let splice = try scene.last()
        scene.change(to: reordered(scene.splicer.routes, without: 11))
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        #expect(scene.pending == 0)
        #expect(scene.fallback.words == [])
        scene.table.set(splice, FLOW_CLOSED)
        scene.tell(.closed, of: splice)
        scene.wait(milliseconds: 3000)
        #expect(scene.portsInUse == 0 && scene.admission.current == 0)
        #expect(scene.splicer.routes.loads.allSatisfy { $0.active == 0 })
    }

    @Test func `resets a client whose cluster is gone when its endpoint refuses`() throws {
        let scene = Scene()
        scene.say(hello)
        scene.change(to: reordered(scene.splicer.routes, without: 11))
        scene.tell(.refused, of: try scene.last())
        #expect(scene.fallback.words == ["reject reset"])
        #expect(scene.table.rows.isEmpty && scene.portsInUse == 0)
    }

    @Test func `takes another port of an endpoint whose place is another now`() throws {
        let scene = Scene()
        scene.say(hello)
        let first = try scene.last()
        scene.change(to: reordered(scene.splicer.routes))
        scene.tell(.challenged, of: first)
        let second = try scene.last()
        #expect(second.upstream.destination == first.upstream.destination)
        #expect(second.upstream.source != first.upstream.source)
        #expect(second.endpoint == first.endpoint + 1)
    }

    @Test func `answers a hello that is half read by the new routes`() throws {
        let scene = Scene()
        let hello = SampleHello.bytes(for: "b.test")
        scene.say(Array(hello.prefix(20)))
        scene.change(to: reordered(scene.splicer.routes))
        scene.say(Array(hello.dropFirst(20)), at: 20)
        #expect(try scene.last().cluster == 11)
    }

    @Test func `turns away clients of a listener that is gone`() throws {
        let scene = Scene()
        var routes = reordered(scene.splicer.routes)
        routes.listeners = [:]
        scene.say(Array(hello.prefix(20)))
        scene.change(to: routes)
        scene.say(Array(hello.dropFirst(20)), at: 20)
        scene.say(hello, from: Scene.client(2))
        #expect(scene.fallback.words == ["reject alert", "reject alert"])
        #expect(scene.pending == 0)
    }

    @Test func `gives back ports of endpoints that are configured no more`() throws {
        let scene = Scene()
        let splice = try scene.establish(name: "b.test")
        #expect(scene.splicer.routes.loads[3].active == 1)
        scene.change(to: reordered(scene.splicer.routes, without: 12))
        scene.table.set(splice, FLOW_CLOSED)
        scene.tell(.closed, of: splice)
        scene.wait(milliseconds: 3000)
        #expect(scene.portsInUse == 0)
        #expect(scene.splicer.routes.loads[3].active == 0)
    }

    @Test func `keeps what endpoints taught, and goes on learning`() {
        let old = Scene.routes()
        old.lessons.learn(segment: 1200, of: 2)
        let new = reordered(old)
        #expect(new.lessons.segment(of: 2) == 1200)
        let version = new.lessons.version
        // A worker that still goes by the old one.
        old.lessons.learnRefusal(of: 1)
        #expect(new.lessons.refusesTimestamps(1))
        #expect(new.lessons.version > version)
        new.lessons.learn(segment: 900, of: 4)
        #expect(new.lessons.segment(of: 4) == 900)
    }
}

extension Scene {
    fileprivate func change(to routes: RoutingSnapshot) {
        splicer.handle(.configuration(routes, SplicerLimits(), done: {}), now: now)
        flush()
    }
}
