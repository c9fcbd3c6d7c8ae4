// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Load of endpoints` {
    private var leastConnections: Balance {
        var balance = Balance()
        balance.policy = .leastConnections
        return balance
    }

    @Test func `is counted from the splice until it has left the table`() throws {
        let scene = Scene()
        let splices = try (1...3).map { try scene.establish($0) }
        #expect(scene.active == [1, 1, 1, 0])
        for splice in splices {
            scene.table.set(splice, FLOW_CLOSED)
            scene.tell(.closed, of: splice)
        }
        #expect(scene.active == [1, 1, 1, 0])
        scene.wait(milliseconds: 2500)
        #expect(scene.active == [0, 0, 0, 0])
        #expect(scene.table.rows.isEmpty)
        #expect(scene.admission.current == 0)
    }

    @Test func `does not count attempts that failed, nor clients that are relayed`() throws {
        let scene = Scene()
        scene.say(SampleHello.bytes(for: "a.test"))
        #expect(scene.active == [1, 0, 0, 0])
        scene.tell(.refused, of: try scene.last())
        #expect(scene.active == [0, 1, 0, 0])
        scene.tell(.optionsRefused, of: try scene.last())
        #expect(scene.active == [0, 0, 0, 0])
        let full = Scene(admitting: 0)
        full.say(SampleHello.bytes(for: "a.test"))
        #expect(full.active == [0, 0, 0, 0])
        #expect(full.fallback.words == ["relay 11 table-full a.test"])
    }

    @Test func `is the number of flows in the table after ten thousand connections`() throws {
        let scene = Scene(
            balance: leastConnections, settings: { $0.ports = [20000...29999] })
        var open: [Splice] = []
        for number in 1...10000 {
            open.append(try scene.establish(number % 30000))
            // Most end at once, in an order of their own.
            guard number % 10 != 0 else { continue }
            let splice = open.remove(at: number * 7919 % open.count)
            scene.tell(.closed, of: splice)
            scene.splicer.handle(
                .ended(
                    client: splice.client, upstream: splice.upstream,
                    createdNanoseconds: splice.createdNanoseconds), now: scene.now)
        }
        let rows = Dictionary(grouping: open, by: \.upstream.destination).mapValues(\.count)
        let counted = Scene.routes().targets.map { rows[$0.address] ?? 0 }
        #expect(scene.active == counted)
        #expect(scene.active.reduce(0, +) == 1000)
        #expect(scene.admission.current == 1000)
    }

    @Test func `is taken over from an earlier daemon, by the owner of the port alone`() {
        let scene = Scene(settings: {
            $0.workers = 2
            $0.ports = [20000...20099]
        })
        for port in 20000..<20010 {
            let upstream = FlowTuple(
                source: TransportAddress(Scene.source, UInt16(port)),
                destination: at("10.0.1.2:443"))
            let splice = Splice(
                client: Scene.client(port), upstream: upstream, note: Scene.note(), isn: 0)
            scene.adopt(splice)
            scene.adopt(splice)
        }
        #expect(scene.active == [0, 5, 0, 0])
    }

    @Test func `decides by least connections`() throws {
        let scene = Scene(balance: leastConnections)
        let first = try scene.establish(1)
        for number in 2...3 { _ = try scene.establish(number) }
        scene.splicer.handle(
            .ended(
                client: first.client, upstream: first.upstream,
                createdNanoseconds: first.createdNanoseconds), now: scene.now)
        #expect(try scene.establish(4).upstream.destination == first.upstream.destination)
    }

    @Test func `tells how long an endpoint took, and a refusal counts as the whole time-out`()
        throws
    {
        let scene = Scene()
        scene.say(SampleHello.bytes(for: "a.test"))
        let splice = try scene.last()
        scene.now += .milliseconds(8)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        #expect(scene.splicer.routes.loads[0].connectTime(now: scene.now) == .milliseconds(8))
        scene.say(SampleHello.bytes(for: "a.test"), from: Scene.client(2))
        scene.tell(.refused, of: try scene.last())
        #expect(scene.splicer.routes.loads[1].connectTime(now: scene.now) == .milliseconds(1000))
    }

    @Test func `goes to the same endpoint for the same source`() throws {
        var balance = Balance()
        balance.policy = .sourceHash
        let scene = Scene(balance: balance)
        let endpoints = try (1...20).map { try scene.establish($0).upstream.destination }
        #expect(Set(endpoints).count == 1)
    }

    @Test func `passes over an endpoint that drains`() throws {
        let scene = Scene()
        scene.splicer.routes.clusters[0].picker.states
            .set(administration: .draining, of: 1, now: scene.now)
        let endpoints = try (1...4).map { try scene.establish($0).upstream.destination.description }
        #expect(endpoints == ["10.0.1.1:443", "10.0.1.3:443", "10.0.1.1:443", "10.0.1.3:443"])
    }
}

extension Scene {
    /// Connections of each endpoint.
    var active: [Int] { splicer.routes.loads.map(\.active) }
}
