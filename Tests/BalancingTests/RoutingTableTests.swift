// SPDX-License-Identifier: Apache-2.0

import Balancing
import Testing
import WireTypes

/// A name that is asked for, and the pattern that should answer.
struct RoutingCase: Sendable, CustomTestStringConvertible {
    let name: String
    let anyDepth: String?
    let oneLabel: String?

    init(_ name: String, _ anyDepth: String?, oneLabel: String?) {
        (self.name, self.anyDepth, self.oneLabel) = (name, anyDepth, oneLabel)
    }

    init(_ name: String, _ both: String?) {
        self.init(name, both, oneLabel: both)
    }

    var testDescription: String { name }

    static let patterns = [
        "x.test", "*.x.test", "*.b.x.test", "a.b.x.test", "*.c.b.x.test", "exact.test",
        "*.wild.test", "www.wild.test", "*.test", "*.deep.er.wild.test", "*.co.example",
        "kafka1.server.example", "*.xn--bcher-kva.example", "_srv.under.example", "*.y", "y",
        "sub.y", "*.1.example",
    ]

    static let all = [
        RoutingCase("x.test", "x.test"),
        RoutingCase("X.TEST.", "x.test"),
        RoutingCase("a.x.test", "*.x.test"),
        RoutingCase("b.x.test", "*.x.test"),
        RoutingCase("a.b.x.test", "a.b.x.test"),
        RoutingCase("c.b.x.test", "*.b.x.test"),
        RoutingCase("d.b.x.test", "*.b.x.test"),
        RoutingCase("a.c.b.x.test", "*.c.b.x.test"),
        RoutingCase("z.a.c.b.x.test", "*.c.b.x.test", oneLabel: nil),
        RoutingCase("a.a.b.x.test", "*.b.x.test", oneLabel: nil),
        RoutingCase("a.d.x.test", "*.x.test", oneLabel: nil),
        RoutingCase("ab.x.test", "*.x.test"),
        RoutingCase("axtest.test", "*.test"),
        RoutingCase("ax.test", "*.test"),
        RoutingCase("x.test.test", "*.test", oneLabel: nil),
        RoutingCase("exact.test", "exact.test"),
        RoutingCase("sub.exact.test", "*.test", oneLabel: nil),
        RoutingCase("exact1.test", "*.test"),
        RoutingCase("wild.test", "*.test"),
        RoutingCase("a.wild.test", "*.wild.test"),
        RoutingCase("www.wild.test", "www.wild.test"),
        RoutingCase("a.www.wild.test", "*.wild.test", oneLabel: nil),
        RoutingCase("er.wild.test", "*.wild.test"),
        RoutingCase("deep.er.wild.test", "*.wild.test", oneLabel: nil),
        RoutingCase("a.deep.er.wild.test", "*.deep.er.wild.test"),
        RoutingCase("a.b.deep.er.wild.test", "*.deep.er.wild.test", oneLabel: nil),
        RoutingCase("test", nil),
        RoutingCase("tes.t", nil),
        RoutingCase("a.testx", nil),
        RoutingCase("co.example", nil),
        RoutingCase("a.co.example", "*.co.example"),
        RoutingCase("aco.example", nil),
        RoutingCase("kafka1.server.example", "kafka1.server.example"),
        RoutingCase("KAFKA1.server.EXAMPLE", "kafka1.server.example"),
        RoutingCase("kafka2.server.example", nil),
        RoutingCase("a.xn--bcher-kva.example", "*.xn--bcher-kva.example"),
        RoutingCase("_srv.under.example", "_srv.under.example"),
        RoutingCase("y", "y"),
        RoutingCase("a.y", "*.y"),
        RoutingCase("sub.y", "sub.y"),
        RoutingCase("a.sub.y", "*.y", oneLabel: nil),
        RoutingCase("a.1.example", "*.1.example"),
        RoutingCase("1.example", nil),
        RoutingCase("other.org", nil),
    ]
}

@Suite struct `Routing table` {
    private func table(
        _ patterns: [String], reach: WildcardReach = .anyDepth
    ) throws -> RoutingTable {
        let routes = try patterns.enumerated().map { index, text in
            Route(try #require(NamePattern(text)), cluster: index)
        }
        return RoutingTable(routes, reach: reach)
    }

    private func answer(_ table: RoutingTable, _ name: String) throws -> String? {
        let name = try #require(ServerName(name))
        return table.route(for: name).map { table[$0].name.text }
    }

    @Test(arguments: RoutingCase.all)
    func `lets the most specific pattern win`(routing: RoutingCase) throws {
        #expect(try answer(table(RoutingCase.patterns), routing.name) == routing.anyDepth)
    }

    @Test(arguments: RoutingCase.all)
    func `can keep wildcards to one label`(routing: RoutingCase) throws {
        let table = try table(RoutingCase.patterns, reach: .oneLabel)
        #expect(try answer(table, routing.name) == routing.oneLabel)
    }

    @Test func `does not care about the order of routes`() throws {
        let table = try table(RoutingCase.patterns.reversed())
        for routing in RoutingCase.all {
            #expect(try answer(table, routing.name) == routing.anyDepth)
        }
    }

    @Test func `answers nothing when it is empty`() throws {
        #expect(try answer(RoutingTable(), "x.test") == nil)
    }

    @Test func `takes the first of two equal patterns`() throws {
        let table = try table(["a.test", "A.test", "*.b.test", "*.B.test"])
        #expect(table.cluster(for: try #require(ServerName("a.test"))) == 0)
        #expect(table.cluster(for: try #require(ServerName("x.b.test"))) == 2)
    }

    @Test func `copes with the longest name of the shortest labels`() throws {
        let name = Array(repeating: "a", count: 127).joined(separator: ".")
        let table = try table(["*." + name.dropFirst(4), "*.a"])
        #expect(try answer(table, name) == "*." + name.dropFirst(4))
    }

    @Test func `finds each of a hundred thousand names`() throws {
        let names = (0..<100_000).map { "host\($0).zone\($0 % 97).example" }
        let table = try table(names + (0..<97).map { "*.zone\($0).example" })
        for (index, name) in names.enumerated() {
            let name = try #require(ServerName(name))
            guard table.cluster(for: name) == index else {
                Issue.record("\(name) goes to \(table.cluster(for: name) ?? -1)")
                return
            }
        }
        #expect(try answer(table, "host100000.zone5.example") == "*.zone5.example")
    }
}

@Suite struct `Name pattern` {
    @Test func `is normalised like a server name`() {
        #expect(NamePattern("WWW.Example.com.")?.description == "www.example.com")
        #expect(NamePattern("*.Example.com.")?.description == "*.example.com")
    }

    @Test(arguments: ["", "*", "*.", "*x.com", "a.*.com", "**.x.com", "*.*.com", "10.0.0.1", "*.1"])
    func `refuses what is none`(text: String) {
        #expect(NamePattern(text) == nil)
    }
}
