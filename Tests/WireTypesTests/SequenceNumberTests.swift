// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@Suite struct `Sequence number` {
    @Test func `goes on at 0 after 2³²−1`() {
        #expect(SequenceNumber(.max).advanced(by: 1) == SequenceNumber(0))
        #expect(SequenceNumber(0).advanced(by: -1) == SequenceNumber(.max))
        #expect(SequenceNumber(0xffff_fff0).advanced(by: 0x20) == SequenceNumber(0x10))
        #expect(SequenceNumber(7).advanced(by: 1 << 32) == SequenceNumber(7))
        #expect(SequenceNumber(7).advanced(by: .min) == SequenceNumber(7))
    }

    @Test func `measures the shorter way round`() {
        #expect(SequenceNumber(.max).distance(to: SequenceNumber(4)) == 5)
        #expect(SequenceNumber(4).distance(to: SequenceNumber(.max)) == -5)
        #expect(SequenceNumber(9).distance(to: SequenceNumber(9)) == 0)
        #expect(SequenceNumber(0).distance(to: SequenceNumber(0x7fff_ffff)) == 0x7fff_ffff)
        #expect(SequenceNumber(0).distance(to: SequenceNumber(0x8000_0000)) == -0x8000_0000)
        #expect(SequenceNumber(0x8000_0000).distance(to: SequenceNumber(0)) == -0x8000_0000)
    }

    @Test(arguments: [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_0000, 0xffff_ffff] as [UInt32])
    func `comes back by the distance it went`(start: UInt32) {
        let number = SequenceNumber(start)
        for step in [0, 1, -1, 65535, -65536, 0x7fff_ffff, -0x8000_0000] {
            #expect(number.distance(to: number.advanced(by: step)) == step)
        }
    }

    @Test func `precedes what lies ahead in its half of the circle`() {
        #expect(SequenceNumber(.max).precedes(SequenceNumber(0)))
        #expect(!SequenceNumber(0).precedes(SequenceNumber(.max)))
        #expect(!SequenceNumber(5).precedes(SequenceNumber(5)))
        #expect(SequenceNumber(5).precedes(SequenceNumber(0x8000_0004)))
        #expect(!SequenceNumber(5).precedes(SequenceNumber(0x8000_0006)))
        #expect(SequenceNumber(.max).description == "4294967295")
    }
}
