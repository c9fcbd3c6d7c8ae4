// SPDX-License-Identifier: Apache-2.0

import Balancing
import Settings
import TLSClassifier
import Testing
import WireTypes

/// A bootstrap of Envoy around what a test is about.
struct Bootstrap {
    static let address = "{socket_address: {address: 192.0.2.1, port_value: 443}}"
    static let inspector =
        "{name: tls, typed_config: {\"@type\": type.googleapis.com/envoy.TlsInspector}}"

    /// A filter chain: what it matches, and the lines of its tcp_proxy.
    static func chain(_ match: String, _ proxy: String) -> String {
        "{filter_chain_match: {\(match)}, filters: [\(filter(proxy))]}"
    }

    static func filter(_ proxy: String) -> String {
        "{name: tcp, typed_config: {\"@type\": type.googleapis.com/envoy.TcpProxy, "
            + "stat_prefix: s, \(proxy)}}"
    }

    /// A cluster of one endpoint on 10.0.0.1 at that port, and further keys.
    static func cluster(_ name: String, _ port: Int, _ more: String = "") -> String {
        let end = "{socket_address: {address: 10.0.0.1, port_value: \(port)}}"
        return "{name: \(name), \(more)load_assignment: {cluster_name: \(name), "
            + "endpoints: [{lb_endpoints: [{endpoint: {address: \(end)}}]}]}}"
    }

    /// A listener with filter chains, and further keys.
    static func listener(_ chains: [String], _ more: [String] = []) -> String {
        var lines = ["  - name: tls", "    address: \(address)"]
        lines += ["    listener_filters: [\(inspector)]"] + more.map { "    " + $0 }
        if !chains.isEmpty { lines.append("    filter_chains:") }
        return (lines + chains.map { "    - " + $0 }).joined(separator: "\n")
    }

    /// The whole file, with clusters a, b and c.
    static func text(_ chains: [String], _ more: [String] = []) -> String {
        let clusters = ["a", "b", "c"].enumerated().map { "  - " + cluster($1, $0 + 1) }
        return "static_resources:\n  listeners:\n\(listener(chains, more))\n  clusters:\n"
            + clusters.joined(separator: "\n") + "\n"
    }
}

extension Configuration {
    /// Where a client of the first listener goes: a cluster, or nowhere.
    func target(sni: String?, alpn: [String], from source: String, tls: Bool) throws -> String? {
        let listener = try #require(listeners.first)
        let address = try #require(IPAddress(source))
        var query = RouteQuery(notTLSFrom: address)
        if tls {
            var hello = ClientHello()
            hello.serverName = sni.flatMap { ServerName($0) }
            hello.applicationProtocols = ApplicationProtocols(alpn)
            query = RouteQuery(hello, from: address)
        }
        guard let match = listener.routes.match(query) else {
            return (tls ? listener.defaultCluster : listener.nonTLSCluster)
                .map { clusters[$0].name }
        }
        return listener.routes[match.id].clusters.first.map { clusters[$0].name }
    }
}

@Suite struct `Envoy's filter chains` {
    private func target(
        _ configuration: Configuration, sni: String? = nil, alpn: [String] = [],
        from source: String = "203.0.113.1", tls: Bool = true
    ) throws -> String? {
        try configuration.target(sni: sni, alpn: alpn, from: source, tls: tls)
    }

    private func parse(_ chains: [String], _ more: [String] = []) throws -> Configuration {
        try Configuration.parse(text: Bootstrap.text(chains, more), fileName: "envoy.yaml")
    }

    @Test func `go by the most specific name`() throws {
        let configuration = try parse([
            Bootstrap.chain("server_names: [\"*.x.test\", y.test]", "cluster: a"),
            Bootstrap.chain("server_names: [\"*.b.x.test\"]", "cluster: b"),
            Bootstrap.chain("server_names: [B.x.test]", "cluster: c"),
        ])
        let expected = [
            "a.x.test": "a", "q.a.x.test": "a", "y.test": "a", "q.b.x.test": "b", "b.x.test": "c",
            "x.test": nil, "z.test": nil,
        ]
        for (name, cluster) in expected {
            #expect(try target(configuration, sni: name) == cluster, "\(name)")
        }
        #expect(try target(configuration) == nil)
        #expect(try target(configuration, tls: false) == nil)
    }

    @Test func `stop where a name's protocols or sources end, as Envoy does`() throws {
        let chains = [
            Bootstrap.chain("server_names: [n.x.test], application_protocols: [h2]", "cluster: a"),
            Bootstrap.chain(
                "server_names: [n.x.test], application_protocols: [mq], "
                    + "source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]",
                "cluster: b"),
            Bootstrap.chain("server_names: [\"*.x.test\"]", "cluster: c"),
        ]
        let standard = "default_filter_chain: {filters: [\(Bootstrap.filter("cluster: b"))]}"
        for (more, rest) in [([], nil), ([standard], "b")] {
            let configuration = try parse(chains, more)
            let name = "n.x.test"
            #expect(try target(configuration, sni: name, alpn: ["h2", "mq"]) == "a")
            #expect(try target(configuration, sni: name, alpn: ["mq"], from: "10.1.1.1") == "b")
            // Not the wildcard, nor the next protocol.
            #expect(try target(configuration, sni: name, alpn: ["mq", "h2"]) == rest)
            #expect(try target(configuration, sni: name) == rest)
            #expect(try target(configuration, sni: "o.x.test") == "c")
            #expect(try target(configuration, sni: "other.test") == rest)
            #expect(try target(configuration, tls: false) == rest)
        }
    }

    @Test func `take the longest prefix of the source`() throws {
        let wide = "source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]"
        let narrow = "source_prefix_ranges: [{address_prefix: 10.1.2.3, prefix_len: 16}]"
        let configuration = try parse([
            Bootstrap.chain(wide, "cluster: a"), Bootstrap.chain(narrow, "cluster: b"),
            Bootstrap.chain("", "cluster: c"),
        ])
        for isTLS in [true, false] {
            #expect(try target(configuration, from: "10.9.9.9", tls: isTLS) == "a")
            #expect(try target(configuration, from: "10.1.9.9", tls: isTLS) == "b")
            #expect(try target(configuration, from: "192.0.2.9", tls: isTLS) == "c")
            #expect(try target(configuration, from: "2001:db8::1", tls: isTLS) == "c")
        }
    }

    @Test func `tell TLS and the rest apart before protocols and sources`() throws {
        let tls = "transport_protocol: tls, application_protocols: [h2]"
        let block = "source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]"
        let configuration = try parse([
            Bootstrap.chain(tls, "cluster: a"), Bootstrap.chain(block, "cluster: b"),
            Bootstrap.chain("application_protocols: [mq]", "cluster: c"),
        ])
        #expect(try target(configuration, alpn: ["h2"]) == "a")
        // The chains without a transport protocol are not asked for TLS.
        #expect(try target(configuration, alpn: ["mq"], from: "10.1.1.1") == nil)
        #expect(try target(configuration, from: "10.1.1.1", tls: false) == "b")
        #expect(try target(configuration, from: "192.0.2.9", tls: false) == nil)
    }

    @Test func `may be for plain clients alone`() throws {
        let configuration = try parse([
            Bootstrap.chain("transport_protocol: raw_buffer", "cluster: b")
        ])
        #expect(try target(configuration, tls: false) == "b")
        #expect(try target(configuration, sni: "a.test") == nil)
    }

    @Test func `share clients out by weight`() throws {
        let weighted = "weighted_clusters: {clusters: [{name: a, weight: 3}, {name: b, weight: 1}]}"
        let standard = "default_filter_chain: {filters: [\(Bootstrap.filter(weighted))]}"
        let configuration = try parse(
            [Bootstrap.chain("server_names: [a.test]", weighted)], [standard])
        let routes = try #require(configuration.listeners.first).routes.routes
        let splits = routes.compactMap { route in
            if case .split(let split) = route.action { split.shares.map(\.weight) } else { nil }
        }
        #expect(splits == [[3, 1], [3, 1], [3, 1]])
        #expect(try target(configuration, tls: false) == "a")
    }
}
