// SPDX-License-Identifier: Apache-2.0

import Balancing
import TLSClassifier
import Testing
import WireTypes

@Suite struct `Route rules` {
    private func name(_ text: String) throws -> RouteName {
        .pattern(try #require(NamePattern(text)))
    }

    private func query(
        _ name: String?, alpn: [String] = [], source: String = "192.0.2.9",
        version: TLSVersion = .tls13, ech: Bool = false
    ) throws -> RouteQuery {
        var hello = ClientHello()
        hello.serverName = try name.map { try #require(ServerName($0)) }
        hello.applicationProtocols = ApplicationProtocols(alpn)
        hello.highestVersion = version
        hello.hasEncryptedClientHello = ech
        return RouteQuery(hello, from: try #require(IPAddress(source)))
    }

    private func conditions(_ change: (inout RouteConditions) -> Void) -> RouteConditions {
        var conditions = RouteConditions()
        change(&conditions)
        return conditions
    }

    private func from(_ blocks: String...) -> RouteConditions {
        conditions { $0.sources = blocks.compactMap { AddressBlock($0) } }
    }

    /// The place of the route that a client takes.
    private func place(_ table: RoutingTable, _ query: RouteQuery) -> Int? {
        table.match(query).map { Int($0.id.rawValue) }
    }

    @Test func `tell protocols of one name apart`() throws {
        let a = try name("a.test")
        let table = RoutingTable([
            Route(a, .cluster(0)),
            Route(a, when: conditions { $0.protocols = ["h2"] }, .cluster(1)),
            Route(a, when: conditions { $0.protocols = ["acme-tls/1", "x"] }, .cluster(2)),
        ])
        #expect(place(table, try query("a.test")) == 0)
        #expect(place(table, try query("a.test", alpn: ["http/1.1"])) == 0)
        #expect(place(table, try query("a.test", alpn: ["http/1.1", "h2"])) == 1)
        #expect(place(table, try query("a.test", alpn: ["acme-tls/1"])) == 2)
        // The client's first wish.
        #expect(place(table, try query("a.test", alpn: ["h2", "acme-tls/1"])) == 1)
        #expect(place(table, try query("a.test", alpn: ["acme-tls/1", "h2"])) == 2)
        #expect(place(table, try query("b.test", alpn: ["h2"])) == nil)
    }

    @Test func `are told when an earlier one asks the same`() throws {
        let (a, below) = (try name("a.test"), try name("*.a.test"))
        let h2 = conditions { $0.protocols = ["h2"] }
        let first = conditions { $0.isFirst = true }
        let table = RoutingTable([
            Route(a, .cluster(0)), Route(below, .cluster(0)), Route(a, when: h2, .cluster(1)),
            Route(.any, when: h2, .cluster(1)), Route(a, when: first, .cluster(0)),
            Route(a, .cluster(2)), Route(.any, when: h2, .cluster(1)),
            Route(a, when: h2, .cluster(2)),
            Route(a, .cluster(0)), Route(a, when: first, .cluster(3)), Route(below, .cluster(1)),
        ])
        let pairs = table.repetitions.map { [Int($0.earlier.rawValue), Int($0.later.rawValue)] }
        #expect(pairs == [[0, 5], [3, 6], [2, 7], [0, 8], [4, 9], [1, 10]])
    }

    @Test func `with a name are for clients that speak TLS, whatever else they say of that`() throws
    {
        let a = try name("a.test")
        var near = from("10.0.0.0/8")
        near.tls = .any
        let table = RoutingTable([Route(a, .cluster(0)), Route(a, when: near, .cluster(1))])
        #expect(table.overlaps.isEmpty, "the second is narrower")
    }

    @Test func `let the longest prefix win`() throws {
        let a = try name("a.test")
        let table = RoutingTable([
            Route(a, .cluster(0)), Route(a, when: from("10.0.0.0/8", "fd00::/8"), .cluster(1)),
            Route(a, when: from("10.1.0.0/16"), .cluster(2)),
            Route(a, when: from("10.1.2.3"), .cluster(3)),
            Route(a, when: from("0.0.0.0/0"), .cluster(4)),
        ])
        let expected = [
            "192.0.2.1": 4, "10.200.0.1": 1, "10.1.9.9": 2, "10.1.2.3": 3, "10.1.2.4": 2,
            "fd12::1": 1, "2001:db8::1": 0, "9.255.255.255": 4, "11.0.0.0": 4,
        ]
        for (source, route) in expected {
            #expect(place(table, try query("a.test", source: source)) == route, "\(source)")
        }
    }

    @Test(
        arguments: [
            ("*.x.test", #"kafka-\d+\.x\.test"#, true, true),
            ("*.x.test", #".*\.x\.test"#, true, false),
            ("*.x.test", #"[^.]+\.x\.test"#, true, true),
            ("*.x.test", #"(a|b\.c)\.x\.test"#, true, false),
            ("*.x.test", #"(a|b)(\.x\.test|\.y\.test)"#, false, false),
            ("*.x.test", #"(a.x\.x|.)\.x\.test"#, true, false),
            ("*.x.test", #"a.x.test"#, false, false),
            ("*.x.test", #"a\.x\.test?"#, false, false),
            ("*.x.test", #"x\.test"#, false, false),
            ("*.x.test", #"kafka-\d+"#, false, false),
            ("*.x.test", #"[A-Z]\.x\.test"#, true, true),
            ("*.aab", #"a+b\.aab"#, true, true),
            ("*.test", #".*\.(x\.)*test"#, true, false),
        ])
    func `by an expression are hidden by a wildcard that matches all of its names`(
        wildcard: String, text: String, isHidden: Bool, byOneLabel: Bool
    ) throws {
        let expression = try NameExpression(text)
        let routes = [
            Route(try name("*.other.test"), .cluster(2)),
            Route(.expression(expression), .cluster(0)),
            Route(try name(wildcard), .cluster(1)),
        ]
        let hidden = RoutingTable(routes).hiddenExpressions
        #expect(
            hidden.map { [$0.winner.rawValue, $0.loser.rawValue] } == (isHidden ? [[2, 1]] : []))
        let byLabel = RoutingTable(routes, reach: .oneLabel).hiddenExpressions
        #expect(!byLabel.isEmpty == byOneLabel)
    }

    @Test func `by an expression are not hidden by a wildcard for fewer clients, or asked later`()
        throws
    {
        let expression = RouteName.expression(try NameExpression(#"a\d\.x\.test"#))
        let wildcard = try name("*.x.test")
        let (near, first) = (from("10.0.0.0/8"), conditions { $0.isFirst = true })
        for (when, other, isHidden) in [
            (RouteConditions(), near, false), (near, RouteConditions(), true), (near, near, true),
            (first, RouteConditions(), false), (RouteConditions(), first, true),
            (first, first, true),
        ] {
            let table = RoutingTable([
                Route(expression, when: when, .cluster(0)),
                Route(wildcard, when: other, .cluster(1)),
            ])
            #expect(table.hiddenExpressions.isEmpty != isHidden, "\(when) \(other)")
            let same = RoutingTable([
                Route(expression, when: when, .cluster(1)),
                Route(wildcard, when: other, .cluster(1)),
            ])
            #expect(same.hiddenExpressions.isEmpty)
        }
    }

    @Test func `fall back to less specific names when conditions do not hold`() throws {
        let expression = try NameExpression("a\\..*")
        let table = RoutingTable([
            Route(try name("a.b.c.test"), when: from("10.0.0.1"), .cluster(0)),
            Route(try name("*.b.c.test"), when: from("10.0.0.2"), .cluster(1)),
            Route(try name("*.c.test"), when: from("10.0.0.3"), .cluster(2)),
            Route(try name("*.test"), when: from("10.0.0.4"), .cluster(3)),
            Route(.expression(expression), when: from("10.0.0.5"), .cluster(4)),
            Route(.any, when: from("10.0.0.0/24"), .cluster(5)),
        ])
        for last in 1...6 {
            #expect(place(table, try query("a.b.c.test", source: "10.0.0.\(last)")) == last - 1)
        }
        #expect(place(table, try query("a.b.c.test", source: "10.0.1.1")) == nil)
        #expect(place(table, try query(nil, source: "10.0.0.1")) == 5)
    }

    @Test func `ask for versions and ECH`() throws {
        let a = try name("a.test")
        let table = RoutingTable([
            Route(a, .cluster(0)),
            Route(a, when: conditions { $0.lowestVersion = .tls12 }, .cluster(1)),
            Route(a, when: conditions { $0.lowestVersion = .tls13 }, .cluster(2)),
            Route(a, when: conditions { $0.hasECH = true }, .cluster(3)),
        ])
        #expect(place(table, try query("a.test", version: .tls10)) == 0)
        #expect(place(table, try query("a.test", version: .tls12)) == 1)
        #expect(place(table, try query("a.test", version: .tls13)) == 2)
        #expect(place(table, try query("a.test", version: .tls11, ech: true)) == 3)
        #expect(place(table, try query("a.test", version: .tls13, ech: true)) == 2)
    }

    @Test func `tell clients without TLS apart`() throws {
        let table = RoutingTable([
            Route(.any, when: conditions { $0.tls = .off }, .cluster(0)),
            Route(
                .any,
                when: conditions {
                    $0.tls = .any
                    $0.sources = ["10.0.0.0/8"].compactMap { AddressBlock($0) }
                }, .reject(.drop)),
        ])
        let (near, far) = (IPAddress(v4: 0x0a00_0001), IPAddress(v4: 0xc000_0201))
        #expect(place(table, RouteQuery(notTLSFrom: near)) == 1)
        #expect(place(table, RouteQuery(notTLSFrom: far)) == 0)
        #expect(place(table, try query("a.test", source: "10.0.0.1")) == 1)
        #expect(place(table, try query("a.test")) == nil)
    }

    @Test func `are asked first where they say so`() throws {
        let bad = conditions {
            $0.sources = ["10.0.0.0/8"].compactMap { AddressBlock($0) }
            $0.isFirst = true
        }
        let table = RoutingTable([
            Route(try name("a.test"), .cluster(0)), Route(.any, when: bad, .reject(.drop)),
        ])
        #expect(place(table, try query("a.test", source: "10.0.0.1")) == 1)
        #expect(place(table, try query("a.test")) == 0)
        let match = try #require(table.match(try query("a.test", source: "10.0.0.1")))
        #expect(table.destination(of: match, for: .anyIPv4) == .reject(.drop))
    }

    @Test func `derive clusters from names, of those that there are`() throws {
        let derived = try #require(
            DerivedCluster("kafka$1", among: ["kafka1": 0, "kafka12": 1, "web": 2]))
        let table = RoutingTable([
            Route(.expression(try NameExpression("kafka-(\\d+)\\.x\\.test")), .derived(derived)),
            Route(try name("*.test"), .cluster(2)),
        ])
        func cluster(_ name: String) throws -> RouteDestination? {
            let query = try query(name)
            return table.match(query).map { table.destination(of: $0, for: query.source) }
        }
        // Wildcards come before expressions.
        #expect(try cluster("kafka-1.x.test") == .cluster(2))
        let alone = RoutingTable([table.routes[0]])
        func derivedCluster(_ name: String) throws -> RouteDestination? {
            let query = try query(name)
            return alone.match(query).map { alone.destination(of: $0, for: query.source) }
        }
        #expect(try derivedCluster("kafka-1.x.test") == .cluster(0))
        #expect(try derivedCluster("kafka-12.x.test") == .cluster(1))
        #expect(try derivedCluster("kafka-2.x.test") == nil)
        #expect(table.routes[0].clusters == [0, 1])
        #expect(DerivedCluster("kafka", among: [:]) == nil)
        #expect(DerivedCluster("kafka$", among: [:]) == nil)
        #expect(DerivedCluster("$0", among: [:]) == nil)
    }

    @Test func `win by the whole order, whatever the order of the file`() throws {
        var routes: [Route] = []
        for isFirst in [true, false] {
            for text in ["a.b.test", "*.b.test", "*.test", nil] {
                for alpn in [["h2"], []] {
                    for source in [["10.1.0.0/16"], ["10.0.0.0/8"], []] {
                        for version in [TLSVersion.tls13, .tls12, nil] {
                            for ech in [true, nil] {
                                var conditions = RouteConditions()
                                conditions.isFirst = isFirst
                                conditions.protocols = alpn
                                conditions.sources = source.compactMap { AddressBlock($0) }
                                conditions.lowestVersion = version
                                conditions.hasECH = ech
                                routes.append(
                                    Route(
                                        try text.map(name) ?? .any, when: conditions,
                                        .cluster(routes.count)))
                            }
                        }
                    }
                }
            }
        }
        // The list above is the order itself: whoever is left and first in it, wins.
        var numbers = FixedNumbers(state: 11)
        let query = try query("a.b.test", alpn: ["h2"], source: "10.1.2.3", ech: true)
        while !routes.isEmpty {
            let table = RoutingTable(routes.shuffled(using: &numbers))
            let match = try #require(table.match(query))
            #expect(table[match.id] == routes[0])
            routes.removeFirst(min(Int.random(in: 1...9, using: &numbers), routes.count))
        }
    }
}

@Suite struct `Route split` {
    private func split(_ weights: [Int], isSticky: Bool = false) -> RouteSplit {
        RouteSplit(
            weights.enumerated().map { RouteSplit.Share(cluster: $0, weight: $1) },
            isSticky: isSticky)
    }

    private func counts(_ split: RouteSplit, sources: Int = 10000) -> [Int] {
        var counts = [Int](repeating: 0, count: split.shares.count)
        for number in 0..<sources { counts[split.cluster(for: client(number).source.address)] += 1 }
        return counts
    }

    @Test func `is exact over ten thousand connections`() {
        #expect(counts(split([90, 10])) == [9000, 1000])
        #expect(counts(split([1, 0, 1])) == [5000, 0, 5000])
    }

    @Test func `is one for all copies`() {
        let one = split([1, 1])
        let other = one
        let source = client(1).source.address
        #expect(
            [one, other, one, other].map { $0.cluster(for: source) } == [0, 1, 0, 1])
        #expect(one == other && one == split([1, 1]) && one != split([1, 2]))
    }

    /// 99 % of a binomial distribution of 10,000 and 0.1: 1,000 ± 2.576 · 30.
    @Test func `can stick to the source, and is near the shares then`() {
        let sticky = split([90, 10], isSticky: true)
        #expect(abs(counts(sticky)[1] - 1000) <= 77)
        for number in 0..<100 {
            let source = client(number).source.address
            #expect(sticky.cluster(for: source) == sticky.cluster(for: source))
        }
    }

    @Test func `moves only those that it must when shares change`() {
        let (before, after) = (split([90, 10], isSticky: true), split([80, 20], isSticky: true))
        let moved = (0..<10000).count { number in
            let source = client(number).source.address
            let (old, new) = (before.cluster(for: source), after.cluster(for: source))
            #expect(old == 0 || new == 1)
            return old != new
        }
        #expect(abs(moved - 1000) <= 100)
    }

    @Test func `does not take away one part of what a cluster's own hash sees`() {
        let sticky = split([90, 10], isSticky: true)
        var pool = Pool([Int](repeating: 1, count: 10), .maglev)
        let few = (0..<10000).filter { sticky.cluster(for: client($0).source.address) == 1 }
        #expect(Set(few.compactMap { pool.pick($0) }).count == 10)
    }
}
