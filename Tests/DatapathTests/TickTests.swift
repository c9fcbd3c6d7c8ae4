// SPDX-License-Identifier: Apache-2.0

import Datapath
import Testing

@Suite struct `A tick` {
    /// Nanoseconds of one.
    private let length: UInt64 = 1 << 24

    private func moment(_ tick: UInt32, since created: UInt64) -> UInt64 {
        Tick(value: tick).nanoseconds(since: created)
    }

    @Test func `begins where it comes back from`() {
        #expect(Tick(nanoseconds: 5 * length).value == 5)
        #expect(Tick(nanoseconds: 6 * length - 1).value == 5)
        #expect(moment(5, since: length) == 5 * length)
        #expect(moment(5, since: 0) == 5 * length)
    }

    @Test func `that is none is the creation`() {
        #expect(Tick(nanoseconds: 0).value == 0)
        #expect(moment(0, since: 0) == 0)
        #expect(moment(0, since: 7 * length + 3) == 7 * length + 3)
    }

    @Test func `is not before the creation`() {
        let created = 1000 * length + 3
        // Of the same tick, of a clock that lags by one, and by as many as are believed.
        for tick in [1000, 999, 1000 - 0xff] as [UInt32] {
            #expect(moment(tick, since: created) == created)
        }
        #expect(moment(1001, since: created) == 1001 * length)
    }

    @Test(arguments: [0, 1, 1 << 32, 3 << 32] as [UInt64])
    func `goes on past 2³², in a row that lives across it`(offset: UInt64) {
        let created = (offset + (1 << 32) - 2) * length + 5
        for passed: UInt64 in [1, 3, 1_000_000, 0xffff_ff00] {
            let then = created + passed * length
            let tick = Tick(nanoseconds: then)
            guard tick.value != 0 else { continue }
            #expect(tick.nanoseconds(since: created) == then - 5, "\(passed)")
        }
    }

    @Test(arguments: [0, 1, 12_345, .max] as [UInt64])
    func `is known within its length, whenever the row was created`(part: UInt64) {
        let created: UInt64 = 0x0123_4567_89ab_cdef
        let then = created + part % (1 << 48)
        let known = Tick(nanoseconds: then).nanoseconds(since: created)
        #expect(known <= then && then - known < length)
    }
}
