// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import Datapath
import Synchronization
import Testing
import WireTypes

@testable import Splicing

@Suite struct `Bounds of connections` {
    private func scene(
        settings: (inout SplicerSettings) -> Void = { _ in },
        _ change: (inout ConnectionLimits.Parts) -> Void
    ) -> Scene {
        Scene(settings: settings) { routes in
            var parts = ConnectionLimits.Parts()
            change(&parts)
            let limits = ConnectionLimits(parts)
            routes.limits = limits
            let endpoints = routes.targets[..<3].map { Endpoint(address: $0.address) }
            routes.clusters[0].picker = Picker(
                endpoints, loads: Array(routes.loads[..<3]), caps: parts.endpoints[0] ?? [])
        }
    }

    private func refused(_ scene: Scene, _ counter: DaemonCounter) -> [UInt64] {
        [scene.counters.value(of: counter), scene.counters.value(of: .rejected)]
    }

    /// Fills `most` places and looks at the next client.
    private func expectRefusal(
        _ scene: Scene, after most: Int, _ counter: DaemonCounter
    ) throws -> [Splice] {
        let splices = try (1...most).map { try scene.establish($0) }
        scene.say(SampleHello.bytes(for: "a.test"), from: Scene.client(most + 1))
        #expect(scene.table.written.count == most)
        #expect(scene.fallback.words == ["reject alert"])
        #expect(refused(scene, counter) == [1, 1])
        #expect(scene.pending == 0)
        return splices
    }

    private func expectRoom(_ scene: Scene, _ number: Int) {
        let before = scene.table.written.count
        scene.say(SampleHello.bytes(for: "a.test"), from: Scene.client(number))
        #expect(scene.table.written.count == before + 1)
    }

    @Test func `of the process turn the next away, and a closed flow frees its place at once`()
        throws
    {
        let scene = scene { $0.process = ConnectionCap(4) }
        #expect(scene.hearsEventsFirst)
        let splices = try expectRefusal(scene, after: 4, .processFull)
        scene.table.set(splices[2], FLOW_CLOSED)
        scene.tell(.closed, of: splices[2])
        // Its flows linger still.
        #expect(scene.table.rows[splices[2].client] != nil)
        expectRoom(scene, 7)
        // Its end frees nothing more.
        scene.wait(milliseconds: 2500)
        scene.say(SampleHello.bytes(for: "a.test"), from: Scene.client(8))
        #expect(refused(scene, .processFull)[0] == 2)
    }

    @Test func `of a listener and a cluster turn the next away`() throws {
        let listener = scene { $0.listeners[Scene.listenerID] = ConnectionCap(2) }
        _ = try expectRefusal(listener, after: 2, .listenerFull)
        let cluster = scene { $0.clusters[0] = ConnectionCap(3) }
        _ = try expectRefusal(cluster, after: 3, .clusterFull)
        // The other cluster has room.
        _ = try cluster.establish(9, name: "b.test")
    }

    @Test func `of an endpoint leave its clients to the others until all are full`() throws {
        let scene = scene {
            $0.endpoints[0] = [ConnectionCap(1), ConnectionCap(4), ConnectionCap(2)]
        }
        let splices = try expectRefusal(scene, after: 7, .endpointsFull)
        #expect(scene.active == [1, 4, 2, 0])
        scene.table.set(splices[0], FLOW_CLOSED)
        scene.tell(.closed, of: splices[0])
        expectRoom(scene, 9)
        #expect(try scene.last().endpoint == splices[0].endpoint)
    }

    @Test func `of a source turn its next client away, and nobody else's`() throws {
        var limit = SourceLimit()
        limit.connections = 2
        let told = ToldWords()
        let scene = scene {
            $0.sources = SourceCounts(limit) { told.add("\($0) \($1 ? "full" : "free")") }
        }
        let splices = try expectRefusal(scene, after: 2, .sourceFull)
        #expect(told.words == ["198.51.100.7/32 full"])
        let other = FlowTuple(source: at("198.51.100.8:30000"), destination: Scene.listener)
        scene.say(SampleHello.bytes(for: "a.test"), from: other)
        #expect(scene.table.written.count == 3)
        scene.table.set(splices[0], FLOW_CLOSED)
        scene.tell(.closed, of: splices[0])
        #expect(told.words == ["198.51.100.7/32 full", "198.51.100.7/32 free"])
        expectRoom(scene, 4)
    }

    @Test func `count attempts that fail no more, and those that are taken over by the relay`()
        throws
    {
        let scene = scene { $0.process = ConnectionCap(1) }
        scene.say(SampleHello.bytes(for: "a.test"))
        for _ in 1...3 { scene.tell(.refused, of: try scene.last()) }
        #expect(scene.fallback.words == ["reject reset"])
        scene.say(SampleHello.bytes(for: "a.test"), from: Scene.client(2))
        scene.tell(.optionsRefused, of: try scene.last())
        #expect(scene.fallback.words.last == "relay 11 options-refused a.test")
        expectRoom(scene, 3)
        #expect(scene.splicer.seats.count == 1)
    }

    @Test func `free the place of a flow that was reset, with its end`() throws {
        let scene = scene { $0.process = ConnectionCap(1) }
        let splices = try expectRefusal(scene, after: 1, .processFull)
        scene.table.set(splices[0], FLOW_RESET)
        scene.tell(.reset, of: splices[0])
        scene.wait(milliseconds: 600)
        expectRoom(scene, 3)
    }

    @Test func `count what an earlier daemon spliced, once`() throws {
        let cap = ConnectionCap(3)
        let scene = scene(settings: { $0.workers = 2 }) { parts in
            parts.process = cap
            parts.listeners[Scene.listenerID] = ConnectionCap(100)
            parts.clusters[0] = ConnectionCap(100)
            parts.endpoints[0] = [nil, ConnectionCap(100), nil]
        }
        for port in 20000..<20006 {
            let upstream = FlowTuple(
                source: TransportAddress(Scene.source, UInt16(port)),
                destination: at("10.0.1.2:443"))
            var splice = Splice(
                client: Scene.client(port - 20000), upstream: upstream, note: Scene.note(), isn: 0)
            splice.cluster = 11
            scene.adopt(splice)
            scene.adopt(splice)
        }
        // The other three are of the other worker.
        #expect(cap.count.current == 3)
        #expect(scene.splicer.routes.limits?.cap(cluster: 0, endpoint: 1)?.count.current == 3)
        scene.say(SampleHello.bytes(for: "a.test"), from: Scene.client(20))
        #expect(refused(scene, .processFull) == [1, 1])
    }

    @Test func `keep nothing when there are none`() throws {
        let scene = Scene()
        _ = try scene.establish(1)
        #expect(scene.splicer.seats.isEmpty)
    }
}

/// What a closure was told.
final class ToldWords: Sendable {
    private let log = Mutex<[String]>([])
    var words: [String] { log.withLock { $0 } }
    func add(_ word: String) { log.withLock { $0.append(word) } }
}
