// SPDX-License-Identifier: Apache-2.0

import Balancing
import Foundation
import Settings
import TLSClassifier
import Testing
import WireTypes

@Suite struct `Rules of a listener` {
    private func parse(_ rules: String) throws -> (listener: Listener, warnings: [String]) {
        let lines = rules.split(separator: "\n").map { "      " + $0 }.joined(separator: "\n")
        let text =
            "listeners:\n  tls:\n    address: 192.0.2.1:443\n    rules:\n\(lines)\n"
            + "clusters: {web: [10.0.0.1:443], mail: [10.0.0.2:443], k1: [10.0.0.3:443]}\n"
        var warnings: [String] = []
        let configuration = try Configuration.parse(text: text, fileName: "f") {
            warnings.append($0.description)
        }
        return (try #require(configuration.listeners.first), warnings)
    }

    @Test func `take every key`() throws {
        let (listener, warnings) = try parse(
            """
            - {sni: [a.test, "*.b.test"], alpn: [h2, http/1.1], source: [10.0.0.0/8, "::1"],
               min_tls: 1.2, ech: off, first: on, to: mail}
            - {sni_regex: 'kafka-(\\d+)\\.test', to: k$1}
            - {sni: c.test, split: {web: 9, mail: 1}, sticky: source}
            - {tls: off, source: 10.0.0.0/8, reject: drop}
            """)
        #expect(warnings.isEmpty)
        let routes = listener.routes.routes
        #expect(routes.count == 5)
        var conditions = RouteConditions()
        conditions.protocols = ["h2", "http/1.1"]
        conditions.sources = ["10.0.0.0/8", "::1"].compactMap { AddressBlock($0) }
        conditions.lowestVersion = .tls12
        conditions.hasECH = false
        conditions.isFirst = true
        #expect(routes[0].conditions == conditions && routes[1].conditions == conditions)
        #expect(routes[0].action == .cluster(1))
        #expect(routes[2].clusters == [2])
        let shares = [
            RouteSplit.Share(cluster: 0, weight: 9), RouteSplit.Share(cluster: 1, weight: 1),
        ]
        #expect(routes[3].action == .split(RouteSplit(shares, isSticky: true)))
        #expect(routes[4].conditions.tls == .off && routes[4].action == .reject(.drop))
    }

    @Test func `take sources from a file beside the configuration`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "sluice-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func load(_ list: String) throws -> [String] {
            try Data(list.utf8).write(to: folder.appending(path: "list.txt"))
            let text =
                "listeners: {a: {address: 192.0.2.1:443, rules: [{source: 10.0.0.1, source_file: "
                + "list.txt, to: web}]}}\n" + BrokenFile.twoClusters
            let file = folder.appending(path: "a.yaml")
            try Data(text.utf8).write(to: file)
            let listener = try Configuration.load(file: file.path).listeners.first
            return listener?.routes.routes.first?.conditions.sources.map(\.description) ?? []
        }
        let list =
            "# bad\n192.0.2.0/24\r\n\n 192.0.2.77 # one\n2001:db8::/32\n10.9.8.7/8\n0.0.0.0/0"
        #expect(
            try load(list) == [
                "10.0.0.1/32", "192.0.2.0/24", "192.0.2.77/32", "2001:db8::/32", "10.0.0.0/8",
                "0.0.0.0/0",
            ])
        for wrong in ["1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/33", "01.2.3.4", "1.2.3.4/", "x"]
        {
            let errors = #expect(throws: ConfigurationErrors.self) { try load("1.1.1.1\n\(wrong)") }
            #expect(errors?.description.contains("line 2 of \"list.txt\" is \"\(wrong)\"") == true)
        }
    }

    @Test func `stand beside routes by name`() throws {
        let text = """
            listeners:
              tls:
                address: 192.0.2.1:443
                routes: {a.test: web}
                rules: [{sni: a.test, alpn: acme-tls/1, to: mail}]
            clusters: {web: [10.0.0.1:443], mail: [10.0.0.2:443]}
            """
        let listener = try #require(
            try Configuration.parse(text: text, fileName: "f").listeners.first)
        var hello = ClientHello()
        hello.serverName = ServerName("a.test")
        hello.applicationProtocols = ApplicationProtocols(["acme-tls/1"])
        let match = try #require(listener.routes.match(RouteQuery(hello, from: .anyIPv4)))
        #expect(listener.routes[match.id].clusters == [1])
        #expect(listener.cluster(for: ServerName("a.test")) == 0)
    }

    @Test func `that overlap are warned of, with the line of the one that wins`() throws {
        let (_, warnings) = try parse(
            """
            - {sni: a.test, source: 10.0.0.0/8, to: web}
            - {sni: a.test, alpn: h2, to: mail}
            """)
        #expect(
            warnings == [
                "f:5:9: clients may match this rule and line 6, which wins; if this is not meant, "
                    + "write \"first: on\" here, or the missing keys"
            ])
    }

    @Test func `by an expression that a wildcard hides are warned of`() throws {
        let (_, warnings) = try parse(
            """
            - {sni_regex: 'kafka-\\d+\\.x\\.test', to: web}
            - {sni: "*.x.test", to: mail}
            """)
        #expect(
            warnings == [
                "f:5:9: no client gets to this rule: all names of its \"sni_regex\" match line 6, "
                    + "too, and wildcards win; write \"first: on\" here"
            ])
    }

    @Test func `without a name that lose to names are warned of`() throws {
        let (_, warnings) = try parse(
            """
            - {sni: a.test, to: web}
            - {sni: b.test, to: web}
            - {source: 10.0.0.0/8, reject: drop}
            """)
        #expect(
            warnings == [
                "f:7:9: clients may match this rule and line 5 and 1 more, which wins; if this is "
                    + "not meant, write \"first: on\" here, or the missing keys"
            ])
    }

    @Test(arguments: [
        // Narrower in everything.
        "- {sni: a.test, source: 10.0.0.0/8, to: web}\n- {sni: a.test, alpn: h2, source: 10.1.0.0/16, to: mail}",
        // No client is both.
        "- {sni: a.test, source: 10.0.0.0/8, to: web}\n- {sni: a.test, source: 11.0.0.0/8, to: mail}",
        "- {sni: a.test, ech: on, to: web}\n- {sni: a.test, ech: off, to: mail}",
        "- {sni: a.test, source: 10.0.0.0/8, ech: on, to: web}\n- {sni: a.test, alpn: h2, ech: off, to: mail}",
        // The same comes of both.
        "- {sni: a.test, source: 10.0.0.0/8, to: web}\n- {sni: a.test, alpn: h2, to: web}",
        // One is asked first.
        "- {sni: a.test, to: web}\n- {source: 10.0.0.0/8, first: on, reject: drop}",
    ])
    func `are silent where nothing is in doubt`(rules: String) throws {
        #expect(try parse(rules).warnings.isEmpty)
    }
}
