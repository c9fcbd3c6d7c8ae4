// SPDX-License-Identifier: Apache-2.0

import Splicing
import Testing

@Suite struct `Ports beside plain listeners` {
    @Test(arguments: [[10000...32767, 61000...65535], [1...1], [7...9], [5...5, 9...9, 20...40]])
    func `are each the workers' or the datapath's`(ranges: [ClosedRange<UInt16>]) {
        let shares = PortShares(of: ranges)
        let all = ranges.flatMap { Array($0) }
        #expect((shares.spliced + shares.plain).flatMap { Array($0) }.sorted() == all)
        #expect(shares.spliced.reduce(0) { $0 + $1.count } == all.count / 4)
    }
}
