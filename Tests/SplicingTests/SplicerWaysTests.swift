// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Splicer whose ways change` {
    private static let second = at("10.0.0.2:1").address
    private let hello = SampleHello.bytes(for: "a.test")

    private func change(
        _ scene: Scene, segmentSize: Int = 1400, _ alter: (inout Target) -> Void
    ) {
        var targets = Scene.routes().targets
        for index in targets.indices { alter(&targets[index]) }
        scene.splicer.handle(.ways(targets, segmentSize: segmentSize), now: scene.now)
    }

    @Test func `goes on from the new source, and old splices end as ever`() throws {
        let scene = Scene()
        let old = try scene.establish(1)
        change(scene) { $0.sources = [Self.second] }
        let new = try scene.establish(2)
        #expect(old.upstream.source.address == Scene.source)
        #expect(new.upstream.source.address == Self.second)
        #expect(scene.portsInUse == 2)
        for splice in [old, new] {
            scene.splicer.handle(
                .ended(
                    client: splice.client, upstream: splice.upstream,
                    createdNanoseconds: splice.createdNanoseconds), now: scene.now)
        }
        #expect(scene.portsInUse == 0)
        #expect(scene.admission.current == 0)
        #expect(scene.table.rows.isEmpty)
    }

    @Test func `tries the next endpoint from the new source when the old one hears nothing`() throws
    {
        let scene = Scene()
        scene.say(hello)
        change(scene) { $0.sources = [Self.second] }
        scene.wait(milliseconds: 1000)
        #expect(try scene.last().upstream.source.address == Self.second)
        #expect(scene.table.written.count == 2)
        #expect(scene.portsInUse == 1)
        #expect(scene.admission.current == 1)
    }

    @Test func `relays where a way leads by, and splices again when it leads here`() throws {
        let scene = Scene()
        change(scene) { $0.obstacle = .noRoute }
        scene.say(hello)
        #expect(scene.table.written.isEmpty)
        #expect(scene.fallback.words.count == 1)
        change(scene) { _ in }
        _ = try scene.establish(2)
        #expect(scene.table.written.count == 1)
    }

    @Test func `cuts hellos to the new size`() throws {
        let scene = Scene()
        change(scene, segmentSize: 700) { _ in }
        #expect(scene.splicer.settings.segmentSize == 700)
        scene.say(hello)
        #expect(scene.table.written.count == 1)
    }
}
