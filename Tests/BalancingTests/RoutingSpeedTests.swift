// SPDX-License-Identifier: Apache-2.0

import Balancing
import TLSClassifier
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
        let asked = names.shuffled().map { name in
            var hello = ClientHello()
            hello.serverName = name
            return RouteQuery(hello, from: .anyIPv4)
        }
        var sum = 0
        let times = (0..<1000).map { batch in
            ContinuousClock().measure {
                for query in asked[(batch * 100)..<(batch * 100 + 100)] {
                    guard let match = table.match(query) else { continue }
                    let destination = table.destination(of: match, for: query.source)
                    if case .cluster(let cluster) = destination { sum += cluster }
                }
            } / 100
        }
        print("look-up of one of 100,000 names: \(times.sorted()[times.count / 2])")
        #expect(sum == 100_000 * 99_999 / 2)
        #expect(times.sorted()[times.count / 2] < .microseconds(1))
    }

    @Test(.enabled(if: isOptimized, "only an optimised build is measured: swift test -c release"))
    func `loads a million prefixes, and finds the longest`() throws {
        let blocks = try (0..<1_000_000).map { number in
            // Each /24 of 16 /8s, and the /25 or so inside of some.
            let base = UInt32(10 + number % 16) << 24 | UInt32(number / 16) << 8
            return try #require(AddressBlock("\(IPAddress(v4: base))/\(24 + number % 3)"))
        }
        var conditions = RouteConditions()
        conditions.sources = blocks.shuffled()
        var table = RoutingTable()
        let loading = ContinuousClock().measure {
            table = RoutingTable([
                Route(.any, when: conditions, .cluster(1)), Route(.any, .cluster(0)),
            ])
        }
        let queries = blocks.shuffled().map { RouteQuery(ClientHello(), from: $0.base) }
        var found = 0
        let looking = ContinuousClock().measure {
            for query in queries where table.match(query)?.id.rawValue == 0 { found += 1 }
        }
        #expect(found == 1_000_000)
        print("a million prefixes: loaded in \(loading), look-up \(looking / 1_000_000)")
    }
}
