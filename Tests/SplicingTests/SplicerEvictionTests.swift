// SPDX-License-Identifier: Apache-2.0

import Datapath
import Testing

@testable import Splicing

@Suite struct `Clients that owe their hello` {
    private let hello = SampleHello.bytes(for: "a.test")

    private func scene(_ most: Int) -> Scene { Scene(settings: { $0.halfClassified = most }) }

    private func start(_ scene: Scene, _ numbers: ClosedRange<Int>) {
        for number in numbers {
            scene.now += .milliseconds(1)
            scene.say(Array(hello.prefix(40)), from: Scene.client(number))
        }
    }

    private func resets(_ scene: Scene) -> [UInt16] {
        scene.table.resets.map(\.tuple.destination.port)
    }

    @Test func `are reset at the cap, oldest first, and counted`() {
        let scene = scene(3)
        start(scene, 1...3)
        #expect(resets(scene).isEmpty)
        start(scene, 4...5)
        #expect(resets(scene) == [30001, 30002])
        #expect(scene.pending == 3)
        #expect(scene.counters.value(of: .helloEvicted) == 2)
        #expect(scene.counters.value(of: .rejected) == 2)
        #expect(scene.fallback.words.isEmpty)
    }

    @Test func `are no longer among them once their hello is whole`() throws {
        let scene = scene(3)
        start(scene, 1...3)
        scene.say(Array(hello.dropFirst(40)), at: 40, from: Scene.client(1))
        #expect(scene.table.written.count == 1)
        start(scene, 4...4)
        #expect(resets(scene).isEmpty)
        start(scene, 5...5)
        #expect(resets(scene) == [30002])
    }
}
