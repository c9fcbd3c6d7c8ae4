// SPDX-License-Identifier: Apache-2.0

import Testing
import WireTypes

@testable import Balancing

/// Measured and printed, not judged: a shared machine would fail them now and then.
@Suite(.serialized) struct `Picker speed` {
    @Test(arguments: BalancePolicy.allCases)
    func `of a thousand endpoints is printed`(policy: BalancePolicy) {
        var pool = Pool([Int](repeating: 1, count: 1000), policy)
        pool.open(5000)
        let clients = (0..<1000).map { client($0) }
        let times = (0..<100).map { _ in
            ContinuousClock().measure {
                for client in clients { _ = pool.picker.pick(for: client, now: pool.now) }
            } / clients.count
        }
        print("pick, \(policy.rawValue), 1000 endpoints: \(times.sorted()[50])")
        let changes = ContinuousClock().measure {
            for index in 0..<1000 {
                pool.loads[index].open()
                pool.loads[index].close()
            }
        }
        print("open and close, \(policy.rawValue): \(changes / 1000)")
    }

    @Test(arguments: [false, true])
    func `of building the table of a thousand is printed`(isWeighted: Bool) {
        let entries = (0..<1000).map { index in
            MaglevTable.Entry(
                index: UInt16(index),
                address: TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32(index)), 443),
                weight: isWeighted ? index % 7 + 1 : 1)
        }
        var size = 0
        let time = ContinuousClock().measure {
            size = MaglevTable.slots(entries, size: 65537).count
        }
        #expect(size == 65537)
        print("Maglev table of 1000 \(isWeighted ? "weighted " : "")endpoints: \(time)")
    }
}
