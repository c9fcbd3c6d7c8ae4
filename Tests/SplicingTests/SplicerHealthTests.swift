// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import HealthChecking
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `What splices say of health` {
    /// A scene whose signals are heard.
    private func heardScene(routes alter: (inout RoutingSnapshot) -> Void = { _ in }) -> Scene {
        let scene = Scene(routes: alter)
        scene.splicer.routes.signals.listen(watchesFlows: true) {}
        return scene
    }

    private func taken(_ scene: Scene) -> [HealthSignals.Signal] {
        scene.splicer.routes.signals.takeAll()
    }

    @Test func `are refusals, silence, and the first success after them`() throws {
        let scene = heardScene()
        _ = try scene.establish(1)
        #expect(taken(scene).isEmpty)
        scene.say(SampleHello.bytes(for: "a.test"), from: Scene.client(2))
        scene.tell(.refused, of: try scene.last())
        #expect(taken(scene) == [.connectFailed(target: 1, .refused)])
        scene.wait(milliseconds: 1100)
        #expect(taken(scene) == [.connectFailed(target: 2, .noAnswer)])
        for number in 3...8 { _ = try scene.establish(number) }
        #expect(Set(taken(scene)) == [.connected(target: 1), .connected(target: 2)])
    }

    @Test(arguments: [true, false])
    func `are RSTs of the endpoint, not those of clients`(isFromEndpoint: Bool) throws {
        let scene = heardScene()
        for number in 1...9 {
            let splice = try scene.establish(number, name: "b.test")
            var event = FlowRecord(
                kind: .reset, client: splice.client, upstream: splice.upstream,
                createdNanoseconds: splice.createdNanoseconds, sequence: 0, acknowledgement: 0,
                mss: 0)
            event.isFromEndpoint = isFromEndpoint
            scene.splicer.handle(event, now: scene.now)
        }
        #expect(taken(scene) == (isFromEndpoint ? [.resetBurst(target: 3)] : []))
    }

    private func emptied(_ action: EmptyAction) -> Scene {
        let scene = heardScene { routes in
            var balance = Balance()
            balance.triesUnwell = action == .tryAll
            let targets = routes.clusters[1].targets
            routes.clusters[1].picker = Picker(
                targets.map { Endpoint(address: routes.targets[$0].address) },
                loads: targets.map { routes.loads[$0] }, balance: balance)
            routes.clusters[1].whenEmpty = action
        }
        let states = scene.splicer.routes.clusters[1].picker.states
        states.set(health: .down, of: 0, now: scene.now)
        return scene
    }

    @Test func `does not matter where all are tried`() throws {
        let scene = emptied(.tryAll)
        scene.say(SampleHello.bytes(for: "b.test"))
        #expect(try scene.last().upstream.destination == at("10.0.2.1:443"))
    }

    @Test(arguments: [RejectPolicy.alert, .close, .reset])
    func `turns clients of an empty cluster away`(policy: RejectPolicy) {
        let scene = emptied(.reject(policy))
        scene.say(SampleHello.bytes(for: "b.test"))
        #expect(scene.table.written.isEmpty && scene.pending == 0)
        #expect(scene.fallback.words == ["reject \(policy.rawValue)"])
        #expect(taken(scene) == [.empty(cluster: 1)])
    }

    @Test func `sends them to another cluster`() throws {
        let scene = emptied(.cluster(0))
        scene.say(SampleHello.bytes(for: "b.test"))
        let splice = try scene.last()
        #expect(splice.upstream.destination == at("10.0.1.1:443") && splice.cluster == 11)
        scene.splicer.routes.clusters[1].picker.states.set(health: .up, of: 0, now: scene.now)
        scene.say(SampleHello.bytes(for: "b.test"), from: Scene.client(2))
        #expect(try scene.last().cluster == 12)
    }

    @Test func `does not turn to another cluster when an endpoint refuses`() throws {
        let scene = emptied(.cluster(0))
        scene.splicer.routes.clusters[1].picker.states.set(health: .up, of: 0, now: scene.now)
        scene.say(SampleHello.bytes(for: "b.test"))
        scene.tell(.refused, of: try scene.last())
        #expect(scene.fallback.words == ["reject reset"])
    }
}
