// SPDX-License-Identifier: Apache-2.0

import Balancing
import Testing
import WireTypes

#if DEBUG
    private let isOptimized = false
#else
    private let isOptimized = true
#endif

@Suite struct `Routing speed` {
    @Test(.enabled(if: isOptimized, "only an optimised build is measured: swift test -c release"))
    func `finds one of a hundred thousand names within a microsecond, by the median`() throws {
        let names = try (0..<100_000).map { try #require(ServerName("host\($0).zone.example")) }
        let table = RoutingTable(
            names.enumerated().map { Route(.exact($1), cluster: $0) }
                + [Route(.below(try #require(ServerName("zone.example"))), cluster: 100_000)])
        let asked = names.shuffled()
        var sum = 0
        let times = (0..<1000).map { batch in
            ContinuousClock().measure {
                for name in asked[(batch * 100)..<(batch * 100 + 100)] {
                    sum += table.cluster(for: name) ?? 0
                }
            } / 100
        }
        #expect(sum == 100_000 * 99_999 / 2)
        #expect(times.sorted()[times.count / 2] < .microseconds(1))
    }
}
