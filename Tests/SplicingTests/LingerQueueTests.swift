// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@testable import Splicing

@Suite struct `Linger queue` {
    private func item(_ number: Int, since: UInt64) -> LingerQueue.Item {
        LingerQueue.Item(
            source: Scene.client().source, target: 0, createdNanoseconds: UInt64(number),
            since: since)
    }

    @Test func `gives items in order, each when its time has come`() {
        var queue = LingerQueue()
        for number in 1...3 { queue.append(item(number, since: UInt64(number) * 10)) }
        #expect(queue.next(overBy: 9) == nil)
        #expect(queue.next(overBy: 20)?.createdNanoseconds == 1)
        #expect(queue.next(overBy: 20)?.createdNanoseconds == 2)
        #expect(queue.next(overBy: 20) == nil)
        #expect(!queue.isEmpty)
        #expect(queue.next(overBy: .max)?.createdNanoseconds == 3)
        #expect(queue.isEmpty)
        #expect(queue.next(overBy: .max) == nil)
    }

    @Test func `keeps order over many items that come and go`() {
        var queue = LingerQueue()
        var given = 0
        for number in 0..<20_000 {
            queue.append(item(number, since: UInt64(number)))
            while let next = queue.next(overBy: UInt64(max(0, number - 5000))) {
                #expect(next.createdNanoseconds == UInt64(given))
                given += 1
            }
        }
        #expect(given == 15_000)
    }
}

@Suite struct `Flow admission` {
    @Test func `admits as many as its limit`() {
        let admission = FlowAdmission(limit: 2)
        #expect(admission.admit())
        #expect(admission.admit())
        #expect(!admission.admit())
        #expect(admission.current == 2)
        admission.release()
        #expect(admission.admit())
    }

    @Test func `counts adopted splices beyond its limit`() {
        let admission = FlowAdmission(limit: 1)
        admission.adopt()
        admission.adopt()
        #expect(!admission.admit())
        admission.release()
        #expect(!admission.admit())
        admission.release()
        #expect(admission.admit())
    }
}
