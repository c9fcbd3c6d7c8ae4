// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import HealthChecking
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Splicer that keeps the client's address` {
    private static let otherListener = at("192.0.2.2:443")

    private func scene(
        routes: (inout RoutingSnapshot) -> Void = { _ in },
        settings: (inout SplicerSettings) -> Void = { _ in }
    ) -> Scene {
        Scene(settings: settings) { snapshot in
            for index in snapshot.clusters.indices { snapshot.clusters[index].isTransparent = true }
            routes(&snapshot)
        }
    }

    /// The client with a number, by another address of the listener.
    private func stranger(_ number: Int = 1) -> FlowTuple {
        FlowTuple(source: Scene.client(number).source, destination: Self.otherListener)
    }

    private func count(_ scene: Scene) -> Int { scene.splicer.routes.transparent.count }

    private func say(_ scene: Scene, _ name: String = "b.test", from client: FlowTuple) {
        scene.say(SampleHello.bytes(for: name), from: client)
    }

    private func expectNothingLeft(_ scene: Scene) {
        #expect(scene.table.rows.isEmpty)
        #expect(count(scene) == 0 && scene.portsInUse == 0 && scene.admission.current == 0)
        #expect(scene.active == [0, 0, 0, 0])
    }

    @Test func `asks the endpoint from the client's own port, and takes none`() throws {
        let scene = scene()
        let splice = try scene.establish(1)
        #expect(splice.upstream.source == Scene.client(1).source)
        #expect(scene.table.syns.map(\.tuple) == [splice.upstream])
        #expect(scene.portsInUse == 0 && count(scene) == 1 && scene.admission.current == 1)
        #expect(scene.active.reduce(0, +) == 1)
        #expect(scene.hearsEventsFirst)
    }

    @Test func `takes ports for clusters that are not transparent beside it`() throws {
        let scene = scene { $0.clusters[0].isTransparent = false }
        let ours = try scene.establish(1, name: "a.test")
        let theirs = try scene.establish(2, name: "b.test")
        #expect(ours.upstream.source.address == Scene.source)
        #expect(theirs.upstream.source == Scene.client(2).source)
        #expect(scene.portsInUse == 1 && count(scene) == 1)
    }

    @Test(arguments: [FLOW_CLOSED, FLOW_RESET])
    func `is done with a flow once it has lingered`(state: flow_state) throws {
        let scene = scene()
        let splice = try scene.establish(1)
        scene.table.set(splice, state)
        for _ in 0..<2 { scene.tell(state == FLOW_CLOSED ? .closed : .reset, of: splice) }
        #expect(count(scene) == 1)
        for _ in 0..<8 { scene.wait(milliseconds: 500) }
        expectNothingLeft(scene)
        #expect(scene.counters.value(of: .ended) == 1)
        #expect(scene.splicer.foreignPorts.isEmpty)
    }

    /// The worker that hears of a flow is that of the client's tuple, whosever port that would be.
    @Test(arguments: 0...2) func `is done with it on any worker`(worker: Int) throws {
        let scene = scene(settings: {
            $0.worker = worker; $0.workers = 3
        })
        let splice = try scene.establish(1)
        scene.table.set(splice, FLOW_CLOSED)
        scene.tell(.closed, of: splice)
        scene.wait(milliseconds: 2000)
        expectNothingLeft(scene)
        #expect(scene.splicer.foreignPorts.isEmpty)
    }

    @Test func `tries the next endpoint from the same port`() throws {
        let scene = scene()
        say(scene, "a.test", from: Scene.client())
        var tried: Set<TransportAddress> = []
        for _ in 1...3 {
            let splice = try scene.last()
            #expect(splice.upstream.source == Scene.client().source)
            tried.insert(splice.upstream.destination)
            scene.tell(.refused, of: splice)
        }
        #expect(tried.count == 3)
        #expect(scene.fallback.words == ["reject reset"])
        expectNothingLeft(scene)
    }

    @Test func `asks again from the same port when the endpoint remembers it`() throws {
        let scene = scene()
        say(scene, from: Scene.client())
        let first = try scene.last()
        scene.now += 1_000_000
        scene.tell(.challenged, of: first, acknowledgement: 4711)
        let second = try scene.last()
        #expect(second.upstream == first.upstream)
        #expect(second.isn != first.isn)
        // What ends the endpoint's memory goes first.
        let last = scene.table.sent.suffix(2)
        #expect(last.map(\.flags) == [.reset, .syn])
        #expect(last.first?.sequence == 4711)
        #expect(count(scene) == 1 && scene.admission.current == 1)
        scene.table.set(second, FLOW_ESTABLISHED)
        scene.tell(.established, of: second)
        #expect(scene.pending == 0 && scene.fallback.words.isEmpty)
    }

    @Test func `goes to another endpoint when the port is out towards one by another listener`()
        throws
    {
        let scene = scene { routes in
            routes.clusters[0].targets = [0, 1]
            routes.clusters[0].picker = Self.picker(routes)
        }
        say(scene, "a.test", from: Scene.client())
        let first = try scene.last()
        for _ in 1...3 {
            // Whichever the turn is, the one that has it is passed over.
            say(scene, "a.test", from: stranger())
            let second = try scene.last()
            #expect(second.upstream.source == first.upstream.source)
            #expect(second.upstream.destination != first.upstream.destination)
            #expect(scene.table.rows[first.client]?.upstream == first.upstream)
            scene.tell(.abandoned, of: second)
        }
        #expect(count(scene) == 1 && scene.admission.current == 1)
    }

    private static func picker(_ routes: RoutingSnapshot) -> Picker {
        Picker(
            routes.targets[..<2].map { Endpoint(address: $0.address) },
            loads: Array(routes.loads[..<2]))
    }

    @Test func `relays the client when its port is out towards all of them`() throws {
        let scene = scene()
        let first = try scene.establish(1, name: "b.test")
        say(scene, from: stranger())
        #expect(scene.fallback.words == ["relay 12 no-port b.test"])
        #expect(try scene.last() == first)
        #expect(scene.table.rows[first.upstream.reversed]?.client == first.client)
        #expect(count(scene) == 1 && scene.admission.current == 1)
        // It is not the first one's end, whose linger is its own.
        scene.table.set(first, FLOW_CLOSED)
        scene.tell(.closed, of: first)
        scene.wait(milliseconds: 2000)
        expectNothingLeft(scene)
        say(scene, from: stranger())
        #expect(try scene.last().upstream == first.upstream)
    }

    @Test func `relays a client that is the endpoint itself`() throws {
        let scene = scene()
        let client = FlowTuple(source: at("10.0.2.1:30001"), destination: Scene.listener)
        say(scene, from: client)
        #expect(scene.fallback.words == ["relay 12 no-port b.test"])
        expectNothingLeft(scene)
    }

    @Test func `gives the port to the client's next connection while the last one lingers`() throws
    {
        let scene = scene()
        let old = try scene.establish(1, name: "b.test")
        scene.table.set(old, FLOW_CLOSED)
        scene.tell(.closed, of: old)
        // The kernel began anew with a SYN.
        scene.table.delete(old)
        scene.now += .milliseconds(10)
        scene.say(
            SampleHello.bytes(for: "b.test"), from: Scene.client(1), note: Scene.note(isn: 9))
        let next = try scene.last()
        #expect(next.upstream == old.upstream)
        #expect(next.createdNanoseconds != old.createdNanoseconds)
        #expect(count(scene) == 1 && scene.admission.current == 1)
        #expect(scene.active == [0, 0, 0, 1] && scene.counters.value(of: .ended) == 1)
        scene.table.set(next, FLOW_ESTABLISHED)
        scene.tell(.established, of: next)
        // The end of the old one is not that of the new one, from whomever it comes.
        scene.splicer.handle(
            .ended(
                client: old.client, upstream: old.upstream,
                createdNanoseconds: old.createdNanoseconds), now: scene.now)
        for _ in 0..<10 { scene.wait(milliseconds: 500) }
        #expect(scene.table.rows.count == 2)
        #expect(count(scene) == 1 && scene.admission.current == 1)
        scene.table.set(next, FLOW_CLOSED)
        scene.tell(.closed, of: next)
        scene.wait(milliseconds: 2000)
        expectNothingLeft(scene)
        #expect(scene.counters.value(of: .ended) == 2)
    }

    @Test func `frees the place of a closed flow at once, and of a port that goes on`() throws {
        let cap = ConnectionCap(1)
        let scene = scene { routes in
            var parts = ConnectionLimits.Parts()
            parts.process = cap
            routes.limits = ConnectionLimits(parts)
        }
        let old = try scene.establish(1, name: "b.test")
        say(scene, from: Scene.client(2))
        #expect(scene.fallback.words == ["reject alert"])
        scene.table.set(old, FLOW_CLOSED)
        scene.tell(.closed, of: old)
        #expect(cap.count.current == 0)
        let other = try scene.establish(3, name: "b.test")
        #expect(cap.count.current == 1)
        scene.wait(milliseconds: 2000)
        #expect(cap.count.current == 1 && scene.splicer.seats.isEmpty)
        scene.tell(.reset, of: other)
        scene.table.set(other, FLOW_RESET)
        scene.wait(milliseconds: 500)
        #expect(cap.count.current == 0)
        expectNothingLeft(scene)
    }

    /// An endpoint that sees its clients bans one of them, who tries again and again.
    @Test func `counts a client's failures once against an endpoint, until it takes another`()
        throws
    {
        let scene = scene()
        scene.splicer.routes.signals.listen(watchesFlows: false) {}
        func fail(from client: String) throws -> [HealthSignals.Signal] {
            let tuple = FlowTuple(source: at(client), destination: Scene.listener)
            say(scene, from: tuple)
            scene.tell(.refused, of: try scene.last())
            return scene.splicer.routes.signals.takeAll()
        }
        let failure = [HealthSignals.Signal.connectFailed(target: 3, .refused)]
        #expect(try fail(from: "203.0.113.1:20000") == failure)
        for port in 20001...20009 { #expect(try fail(from: "203.0.113.1:\(port)") == []) }
        #expect(try fail(from: "203.0.113.2:20000") == failure)
        _ = try scene.establish(1, name: "b.test")
        #expect(scene.splicer.routes.signals.takeAll() == [.connected(target: 3)])
        #expect(try fail(from: "203.0.113.1:20010") == failure)
        #expect(try fail(from: "203.0.113.1:20011") == [])
    }

    @Test func `leaves nothing behind when the flow table refuses`() throws {
        let scene = scene()
        scene.table.isFull = true
        say(scene, from: Scene.client())
        #expect(scene.fallback.words == ["relay 12 table-full b.test"])
        expectNothingLeft(scene)
    }

    private func adopted(_ scene: Scene, worker: UInt16 = 0, state: flow_state) -> Splice {
        let client = Scene.client(1)
        var splice = Splice(
            client: client,
            upstream: FlowTuple(source: client.source, destination: at("10.0.2.1:443")),
            note: Scene.note(), isn: 0)
        splice.createdNanoseconds = 5
        splice.cluster = 12
        splice.worker = worker
        scene.table.set(splice, state)
        scene.admission.adopt()
        scene.adopt(splice)
        return splice
    }

    @Test func `keeps the port of an earlier daemon's flow, whatever the cluster is now`() throws {
        let cap = ConnectionCap(1)
        let scene = scene { routes in
            var parts = ConnectionLimits.Parts()
            parts.process = cap
            routes.limits = ConnectionLimits(parts)
        }
        let splice = adopted(scene, state: FLOW_ESTABLISHED)
        scene.adopt(splice)
        #expect(count(scene) == 1 && scene.portsInUse == 0 && scene.active == [0, 0, 0, 1])
        #expect(cap.count.current == 1)
        scene.table.set(splice, FLOW_CLOSED)
        scene.tell(.closed, of: splice)
        #expect(cap.count.current == 0)
        scene.wait(milliseconds: 2000)
        expectNothingLeft(scene)
        #expect(scene.counters.value(of: .ended) == 1)
    }

    @Test func `does not overwrite an earlier daemon's flow`() throws {
        let scene = scene()
        let splice = adopted(scene, state: FLOW_ESTABLISHED)
        say(scene, from: stranger())
        #expect(scene.fallback.words == ["relay 12 no-port b.test"])
        #expect(scene.table.rows[splice.upstream.reversed]?.createdNanoseconds == 5)
    }

    @Test func `lets an adopted flow linger that was over, on the worker that began it`() throws {
        let scene = scene(settings: {
            $0.worker = 1; $0.workers = 2
        })
        _ = adopted(scene, worker: 2, state: FLOW_CLOSED)
        #expect(count(scene) == 0, "it is another worker's")
        let own = adopted(scene, worker: 3, state: FLOW_CLOSED)
        scene.admission.release()
        #expect(count(scene) == 1)
        #expect(scene.table.rows[own.client]?.owner(among: 2) == 1)
        scene.wait(milliseconds: 2000)
        expectNothingLeft(scene)
    }

    @Test func `goes by the row, not by the configuration, when a reload changes it`() throws {
        let scene = scene()
        let old = try scene.establish(1, name: "b.test")
        var next = Scene.routes()
        next = RoutingSnapshot(
            listeners: next.listeners, clusters: next.clusters, targets: next.targets,
            loads: scene.splicer.routes.loads, continuing: scene.splicer.routes)
        scene.splicer.follow(next)
        let ours = try scene.establish(2, name: "b.test")
        #expect(ours.upstream.source.address == Scene.source)
        #expect(count(scene) == 1 && scene.portsInUse == 1)
        for splice in [old, ours] {
            scene.table.set(splice, FLOW_CLOSED)
            scene.tell(.closed, of: splice)
        }
        scene.wait(milliseconds: 2000)
        expectNothingLeft(scene)
    }
}

@Suite struct `Tuples of transparent splices` {
    private let upstream = FlowTuple(
        source: Scene.client().source, destination: at("10.0.2.1:443"))

    /// Two workers may want the same one at once.
    @Test func `go to one connection of several that want them at once`() async {
        let splices = TransparentSplices()
        let listeners = (1...64).map { at("192.0.2.\($0):443") }
        let taken = await withTaskGroup(of: Bool.self) { group in
            for listener in listeners {
                group.addTask {
                    let client = FlowTuple(source: upstream.source, destination: listener)
                    let outcome = splices.take(upstream, for: client, createdNanoseconds: 1, nil)
                    if case .taken = outcome { return true }
                    return false
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(taken == 1 && splices.count == 1)
    }

    @Test func `are given back by the connection that has them, and once`() {
        let splices = TransparentSplices()
        let client = Scene.client()
        _ = splices.take(upstream, for: client, createdNanoseconds: 1, nil)
        _ = splices.take(upstream, for: client, createdNanoseconds: 2, nil)
        #expect(!splices.giveBack(upstream, createdNanoseconds: 1))
        #expect(splices.giveBack(upstream, createdNanoseconds: 2))
        #expect(!splices.giveBack(upstream, createdNanoseconds: 2))
        #expect(splices.count == 0)
    }
}
