// SPDX-License-Identifier: Apache-2.0

import Balancing
import Foundation
import Settings
import Testing
import WireTypes

/// RT-05, CF-07: routes in a file of their own.
@Suite struct `File of routes`: FilesBeside {
    private func read(_ list: String?, more: String = "") throws
        -> Result<Configuration, ConfigurationErrors>
    {
        try load(
            """
            interface: eth0
            clusters: {web: [10.0.0.1:443], mail: [10.0.0.2:443]}
            listeners:
              a:
                address: 192.0.2.1:443
                routes_file: names.txt
            \(more)

            """, beside: ["names.txt": list])
    }

    private func complaint(_ list: String?, more: String = "") throws -> String? {
        try complaint(of: read(list, more: more))
    }

    @Test func `is read line by line, with wildcards, tabs, comments and other ends of lines`()
        throws
    {
        let list = """
            \u{feff}# Tenants
            www.a.test web
              WWW.B.test.\t \tmail   # a large one

            *.a.test mail\r
            last.test web
            """
        let configuration = try read(list).get()
        let listener = configuration.listeners[0]
        #expect(
            listener.routes.routes
                == [
                    Route(try #require(NamePattern("www.a.test")), cluster: 0),
                    Route(try #require(NamePattern("www.b.test")), cluster: 1),
                    Route(try #require(NamePattern("*.a.test")), cluster: 1),
                    Route(try #require(NamePattern("last.test")), cluster: 0),
                ])
        for (name, cluster) in [("www.a.test", 0), ("www.b.test", 1), ("b.a.test", 1)] {
            let name = try #require(ServerName(name as String))
            #expect(listener.cluster(for: name) == cluster)
        }
        #expect(configuration.files.map { $0.path.hasSuffix("/names.txt") } == [true])
    }

    @Test func `stands beside routes and rules, behind the one and before the other`() throws {
        let configuration = try read(
            "b.test mail\n",
            more: """
                    routes: {a.test: web}
                    rules: [{sni: b.test, alpn: h2, to: web}]
                """
        ).get()
        let routes = configuration.listeners[0].routes.routes
        #expect(routes.map(\.clusters) == [[0], [1], [0]])
        #expect(routes.map { $0.conditions.protocols.isEmpty } == [true, true, false])
    }

    @Test(arguments: [
        (
            "a.test web\nb.test\n",
            "line 2 of \"names.txt\" is \"b.test\"; write a server name and a"
        ),
        (
            "a.test web mail\n",
            "line 1 of \"names.txt\" is \"a.test web mail\"; write a server name"
        ),
        (
            "a..test web\n",
            "line 1 of \"names.txt\" is wrong: \"a..test\" is no server name; write labels"
        ),
        ("\n* web\n", "line 2 of \"names.txt\" is wrong: \"*\" is no wildcard; use \"default\""),
        (
            "a.test wbe\n",
            "line 1 of \"names.txt\" goes to cluster \"wbe\", which does not exist; did you mean \"web\"?"
        ),
        (
            "a.test web\nb.test web\n#\nA.test mail\nb.test web\n",
            "line 4 of \"names.txt\" has \"a.test\", which stands in line 1 of \"names.txt\" already"
        ),
        ("# nobody\n", "\"routes_file\" is \"names.txt\", which is empty"),
        (
            nil,
            "\"routes_file\" is \"names.txt\", which cannot be read: no such file; check the path"
        ),
        (
            "\"*.a.test\" web\n",
            "line 1 of \"names.txt\" is wrong: \"\"*.a.test\"\" is no wildcard; write"
        ),
        (
            "a.test\u{a0}web\n",
            "line 1 of \"names.txt\" is \"a.test\\u{a0}web\"; write a server name"
        ),
    ])
    func `is told where it is wrong`(list: String?, sentence: String) throws {
        let complaint = try #require(try complaint(list))
        #expect(complaint.hasPrefix("sluice.yaml:6:18: \(sentence)"), "\(complaint)")
        #expect(!complaint.contains("\n"), "once: \(complaint)")
    }

    @Test func `may not repeat a route, nor a rule it`() throws {
        #expect(
            try complaint("b.test web\na.test web\n", more: "    routes: {a.test: web}") == """
                sluice.yaml:6:18: line 2 of "names.txt" has "a.test", which stands in line 7 already; \
                write it once
                """)
        #expect(
            try complaint("a.test web\n", more: "    rules: [{sni: a.test, to: mail}]") == """
                sluice.yaml:7:13: "a.test" stands in line 1 of "names.txt" already; write it once
                """)
    }

    @Test func `is no use where nobody reads names`() throws {
        let complaint = try #require(
            try complaint("a.test web\n", more: "    mode: tcp\n    default: web"))
        #expect(
            complaint.hasPrefix("sluice.yaml:6:5: \"routes_file\" asks for server names, which"))
        let plain = try #require(
            try self.complaint("a.test web\n", more: "    mode: plain\n    default: web"))
        #expect(
            plain.hasPrefix("sluice.yaml:6:5: \"routes_file\" has no meaning with \"mode: plain\""))
    }
}
