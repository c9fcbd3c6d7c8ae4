// SPDX-License-Identifier: Apache-2.0

import Balancing
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Rules at the splicer` {
    private func scene(_ conditions: RouteConditions, _ action: RouteAction) -> Scene {
        Scene(routes: {
            let routes = [
                Route(.pattern(.exact(name("a.test"))), .cluster(0)),
                Route(.any, when: conditions, action),
            ]
            $0.listeners[Scene.listenerID]?.table = RoutingTable(routes)
        })
    }

    private var first: RouteConditions {
        var conditions = RouteConditions()
        conditions.sources = ["198.51.100.0/24"].compactMap { AddressBlock($0) }
        conditions.isFirst = true
        return conditions
    }

    @Test func `send a source to a cluster of its own`() throws {
        let scene = scene(first, .cluster(1))
        scene.say(SampleHello.bytes(for: "a.test"))
        #expect(try scene.last().upstream.destination == at("10.0.2.1:443"))
        var elsewhere = first
        elsewhere.sources = ["203.0.113.0/24"].compactMap { AddressBlock($0) }
        let other = self.scene(elsewhere, .cluster(1))
        other.say(SampleHello.bytes(for: "a.test"))
        #expect(try other.last().upstream.destination == at("10.0.1.1:443"))
    }

    @Test func `reject with the rule's own policy`() {
        let scene = scene(first, .reject(.close))
        scene.say(SampleHello.bytes(for: "a.test"))
        #expect(scene.fallback.words == ["reject close"])
    }

    @Test func `drop without a word, as often as the client asks`() {
        let scene = scene(first, .reject(.drop))
        for _ in 1...3 {
            scene.say(SampleHello.bytes(for: "a.test"))
            #expect(scene.pending == 0)
            for _ in 1...3 { scene.wait(milliseconds: 50) }
        }
        #expect(scene.counters.value(of: .rejected) == 3)
        #expect(scene.fallback.words.isEmpty && scene.table.sent.isEmpty)
        #expect(scene.table.written.isEmpty)
    }

    @Test func `split clients over clusters, exactly`() throws {
        let shares = [
            RouteSplit.Share(cluster: 0, weight: 3), RouteSplit.Share(cluster: 1, weight: 1),
        ]
        let scene = scene(first, .split(RouteSplit(shares)))
        for number in 1...40 { _ = try scene.establish(number) }
        #expect(scene.active == [10, 10, 10, 10])
    }

    @Test func `are for clients without TLS as well`() {
        var conditions = first
        conditions.tls = .off
        let scene = scene(conditions, .cluster(1))
        scene.say(Array("SSH-2.0-x\r\n".utf8))
        #expect(scene.active == [0, 0, 0, 1])
        var alert = first
        alert.tls = .any
        let other = self.scene(alert, .reject(.alert))
        other.say(Array("SSH-2.0-x\r\n".utf8))
        #expect(other.fallback.words == ["reject close"])
    }
}
