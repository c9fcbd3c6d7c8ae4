// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Splicer after a restart` {
    private static let endpoint = at("10.0.2.1:443")

    /// A splice of an earlier daemon, in the table.
    private func adopted(
        _ port: UInt16, in scene: Scene, to endpoint: TransportAddress,
        _ state: flow_state = FLOW_ESTABLISHED
    ) -> Splice {
        var splice = Splice(
            client: Scene.client(Int(port) - 20000),
            upstream: FlowTuple(
                source: TransportAddress(Scene.source, port), destination: endpoint),
            note: Scene.note(), isn: 0)
        splice.createdNanoseconds = 5
        scene.table.set(splice, state)
        scene.admission.adopt()
        scene.adopt(splice)
        return splice
    }

    @Test func `keeps ports in use that it did not hand out`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20002] })
        let splice = adopted(20000, in: scene, to: Self.endpoint)
        _ = try scene.establish(50, name: "b.test")
        #expect(try scene.last().upstream.source.port == 20001)
        scene.table.set(splice, FLOW_CLOSED)
        scene.tell(.closed, of: splice)
        scene.wait(milliseconds: 2000)
        #expect(scene.table.rows[splice.client] == nil)
        #expect(scene.admission.current == 1 && scene.portsInUse == 1)
    }

    @Test(arguments: [(FLOW_CLOSED, 2000), (FLOW_RESET, 500)])
    func `removes what was over before it came`(state: flow_state, linger: Int) {
        let scene = Scene()
        let splice = adopted(20000, in: scene, to: Self.endpoint, state)
        scene.wait(milliseconds: linger - 1)
        #expect(scene.table.rows[splice.client] != nil && scene.portsInUse == 1)
        scene.wait(milliseconds: 1)
        #expect(scene.table.rows.isEmpty)
        #expect(scene.portsInUse == 0 && scene.admission.current == 0)
    }

    @Test func `keeps only its own ports`() {
        let scene = Scene(settings: {
            $0.worker = 1; $0.workers = 2
        })
        _ = adopted(20000, in: scene, to: Self.endpoint)
        #expect(scene.portsInUse == 0)
        _ = adopted(20001, in: scene, to: Self.endpoint)
        #expect(scene.portsInUse == 1)
    }

    /// Flows name the worker that began them; with another number of workers, its port may be
    /// another one's.
    @Test func `tells another worker of its port`() {
        let scene = Scene(settings: {
            $0.worker = 0; $0.workers = 2
        })
        let splice = adopted(20001, in: scene, to: Self.endpoint)
        scene.table.set(splice, FLOW_CLOSED)
        scene.tell(.closed, of: splice)
        scene.wait(milliseconds: 2000)
        #expect(scene.table.rows.isEmpty)
        #expect(scene.splicer.foreignPorts.map(\.port) == [splice.upstream.source])
        #expect(scene.splicer.foreignPorts.map(\.target) == [3])
    }

    @Test func `frees a port that another worker saw free, once`() {
        let scene = Scene(settings: {
            $0.worker = 1; $0.workers = 2
        })
        let splice = adopted(20001, in: scene, to: Self.endpoint)
        scene.table.delete(splice)
        for _ in 0..<2 {
            scene.splicer.handle(.free(splice.upstream.source, target: 3), now: scene.now)
        }
        #expect(scene.portsInUse == 0)
        #expect(scene.admission.current == 0)
    }

    @Test func `counts a flow once whose port is another worker's`() {
        let scene = Scene(settings: {
            $0.worker = 0; $0.workers = 2
        })
        let owner = Scene(settings: {
            $0.worker = 1; $0.workers = 2
        })
        let splice = adopted(20001, in: scene, to: Self.endpoint)
        _ = adopted(20001, in: owner, to: Self.endpoint)
        owner.table.delete(splice)
        scene.table.set(splice, FLOW_RESET)
        scene.tell(.closed, of: splice)
        scene.tell(.reset, of: splice)
        for _ in 0..<5 { scene.wait(milliseconds: 500) }
        for (port, target) in scene.splicer.foreignPorts {
            owner.splicer.handle(.free(port, target: target), now: owner.now)
        }
        // Admission is one number for both workers; each scene has its own.
        #expect(scene.admission.current - 1 + owner.admission.current == 0)
    }

    @Test func `counts a flow out whose source address is not used any more`() {
        let scene = Scene()
        var splice = adopted(20001, in: scene, to: Self.endpoint)
        scene.table.delete(splice)
        scene.splicer.end(splice.client, splice.upstream, splice.createdNanoseconds)
        #expect(scene.admission.current == 0)
        splice.upstream = FlowTuple(source: at("10.0.0.99:20005"), destination: Self.endpoint)
        scene.admission.adopt()
        scene.adopt(splice)
        scene.splicer.end(splice.client, splice.upstream, splice.createdNanoseconds)
        #expect(scene.admission.current == 0)
    }

    @Test func `ends a flow whose endpoint left the configuration`() {
        let scene = Scene()
        let splice = adopted(20000, in: scene, to: at("10.9.9.9:443"))
        scene.splicer.handle(
            .ended(client: splice.client, upstream: splice.upstream, createdNanoseconds: 5),
            now: scene.now)
        #expect(scene.table.rows.isEmpty)
        #expect(scene.admission.current == 0)
    }
}
