// SPDX-License-Identifier: Apache-2.0

@testable import Relaying
import Testing

@Suite struct `Queue of deadlines` {
    @Test func `gives out the earliest first, and only what has passed`() {
        var queue = DeadlineQueue()
        let times: [UInt64] = [50, 10, 40, 10, 90, 20, 70, 30]
        for (token, time) in times.enumerated() { queue.insert(UInt64(token), at: time) }
        #expect(queue.next == 10)
        var taken: [UInt64] = []
        while let entry = queue.take(until: 50) { taken.append(entry.deadline) }
        #expect(taken == [10, 10, 20, 30, 40, 50])
        #expect(queue.next == 70)
        #expect(queue.take(until: 69) == nil)
    }
}

@Suite struct `Half-classified clients` {
    @Test func `are evicted in the order they came, without those that left`() {
        var members: Set<UInt64> = []
        var queue = HalfClassified()
        for id in 0..<1000 as Range<UInt64> {
            queue.insert(id)
            members.insert(id)
        }
        for id in 0..<1000 as Range<UInt64> where id % 100 != 50 {
            members.remove(id)
            queue.remove(isMember: members.contains)
        }
        #expect(queue.count == 10)
        var order: [UInt64] = []
        while let id = queue.oldest(isMember: members.contains) {
            order.append(id)
            members.remove(id)
            queue.remove(isMember: members.contains)
        }
        #expect(order == [50, 150, 250, 350, 450, 550, 650, 750, 850, 950])
        #expect(queue.count == 0)
    }
}
