// SPDX-License-Identifier: Apache-2.0

import Balancing
import Settings
import TLSClassifier
import Testing
import WireTypes

extension Listener {
    /// The cluster of a client of which only the name is known.
    func cluster(for name: ServerName?) -> Int? {
        var hello = ClientHello()
        hello.serverName = name
        guard let match = routes.match(RouteQuery(hello, from: .anyIPv4)) else {
            return defaultCluster
        }
        return routes[match.id].clusters.first
    }
}

@Suite struct `Configuration text` {
    private func parse(_ text: String) throws -> Configuration {
        try Configuration.parse(text: text, fileName: "test.yaml")
    }

    /// `text` before a listener and clusters.
    private func parse(before text: String) throws -> Configuration {
        try parse(text + "\n" + BrokenFile.listenerAndClusters)
    }

    @Test func `needs ten lines for one name to one endpoint`() throws {
        let text = """
            interface: eth0
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:
                  www.example.com: web
            clusters:
              web: [10.0.0.1:443]
            """
        #expect(text.split(separator: "\n").count <= 10)
        let configuration = try parse(text)
        #expect(configuration.interfaces == [.name("eth0")])
        let listener = try #require(configuration.listeners.first)
        #expect(listener.addresses.map(\.description) == ["192.0.2.1:443"])
        #expect(listener.cluster(for: ServerName("www.example.com")) == 0)
        #expect(listener.cluster(for: ServerName("example.com")) == nil)
        #expect(listener.cluster(for: nil) == nil)
        let cluster = try #require(configuration.clusters.first)
        #expect(cluster.name == "web")
        #expect(cluster.endpoints.map(\.address.description) == ["10.0.0.1:443"])
    }

    @Test func `fills in the defaults that it states`() throws {
        let configuration = try parse(before: "")
        #expect(configuration.instance == "sluice")
        #expect(configuration.attach == .auto)
        #expect(configuration.isSplicing)
        #expect(configuration.workers == nil)
        #expect(configuration.log.format == .human)
        #expect(configuration.log.level == .info)
        #expect(configuration.log.connections == .off)
        #expect(configuration.limits.flows == 262_144)
        #expect(configuration.limits.watermark == 90)
        #expect(configuration.limits.admittedFlows == 235_929)
        #expect(configuration.limits.handshakes == 65536)
        #expect(configuration.limits.halfClassified == 10000)
        #expect(configuration.limits.idleTimeout == .seconds(86400))
        #expect(configuration.limits.closedLinger == .seconds(2))
        #expect(configuration.source.addresses.isEmpty)
        #expect(configuration.source.ports == [10000...32767, 61000...65535])
        let listener = try #require(configuration.listeners.first)
        #expect(listener.reject == .alert)
        #expect(listener.hello.timeout == .seconds(10))
        #expect(listener.hello.maxSize == 16384)
        #expect(listener.hello.onTimeout == .reject)
        #expect(listener.hello.onTooLarge == .reject)
        #expect(listener.nonTLSCluster == nil)
        #expect(configuration.clusters[0].connectTimeout == .seconds(1))
        #expect(configuration.clusters[0].endpoints[0].weight == 1)
    }

    @Test func `reads each key`() throws {
        let configuration = try parse(
            """
            instance: blue_2
            interfaces: [eth0, 7, "8"]
            interface_index: [9]
            attach: clsact
            splicing: off
            workers: 3
            source: {addresses: ["10.0.0.9", "2001:db8::9"], ports: [5000, 6000-6010]}
            limits: {flows: 1024, watermark: 50%, handshakes: 16, half_classified: 7,
                     idle_timeout: 1m, closed_linger: 500ms}
            log: {format: json, level: debug, connections: /var/log/c.jsonl}
            listeners:
              tls:
                addresses: ["[::]:443", 0.0.0.0:9000-9002]
                default: web
                non_tls: plain
                reject: close
                wildcards: one_label
                routes: {"*.example.com": web}
                hello: {timeout: 200ms, max_size: 64k, on_timeout: default, on_too_large: default}
            clusters:
              plain: [10.0.0.3:80]
              web:
                connect_timeout: 250ms
                balance: ring
                hash_key: sni
                table_size: 251
                load_factor: 150%
                slow_start: 30s
                panic_threshold: 40%
                endpoints: [{address: "10.0.0.1:443", weight: 5, priority: 2}, "[2001:db8::2]:443"]
            """)
        #expect(configuration.instance == "blue_2")
        #expect(configuration.interfaces == [.name("eth0"), .index(7), .name("8"), .index(9)])
        #expect(configuration.attach == .clsact)
        #expect(!configuration.isSplicing)
        #expect(configuration.workers == 3)
        #expect(configuration.source.addresses.map(\.description) == ["10.0.0.9", "2001:db8::9"])
        #expect(configuration.source.ports == [5000...5000, 6000...6010])
        #expect(
            configuration.limits
                == limits(
                    flows: 1024, watermark: 50, handshakes: 16, halfClassified: 7,
                    idle: .seconds(60), linger: .milliseconds(500)))
        #expect(configuration.log.format == .json)
        #expect(configuration.log.level == .debug)
        #expect(configuration.log.connections == .file("/var/log/c.jsonl"))
        expectListener(try #require(configuration.listeners.first))
        let web = configuration.clusters[1]
        #expect(web.id == 1)
        #expect(web.connectTimeout == .milliseconds(250))
        #expect(web.endpoints.map(\.weight) == [5, 1])
        #expect(web.endpoints.map(\.priority) == [2, 0])
        var balance = Balance()
        balance.policy = .ring
        balance.hashKey = .serverName
        balance.tableSize = 251
        balance.loadFactor = 150
        balance.slowStart = .seconds(30)
        balance.panicThreshold = 40
        #expect(web.balance == balance)
        #expect(web.endpoints[1].address.description == "[2001:db8::2]:443")
    }

    private func expectListener(_ listener: Listener) {
        #expect(
            listener.addresses.map(\.description)
                == ["[::]:443", "0.0.0.0:9000", "0.0.0.0:9001", "0.0.0.0:9002"])
        #expect(listener.defaultCluster == 1)
        #expect(listener.nonTLSCluster == 0)
        #expect(listener.reject == .close)
        #expect(listener.routes.reach == .oneLabel)
        #expect(listener.hello.timeout == .milliseconds(200))
        #expect(listener.hello.maxSize == 65536)
        #expect(listener.hello.onTimeout == .default)
        #expect(listener.hello.onTooLarge == .default)
    }

    private func limits(
        flows: Int, watermark: Int, handshakes: Int, halfClassified: Int, idle: Duration,
        linger: Duration
    ) -> Limits {
        var limits = Defaults.limits
        limits.flows = flows
        limits.watermark = watermark
        limits.handshakes = handshakes
        limits.halfClassified = halfClassified
        limits.idleTimeout = idle
        limits.closedLinger = linger
        return limits
    }

    @Test(arguments: [
        ("16KiB", 16384), ("64k", 65536), ("1K", 1024), ("4096", 4096), ("600B", 600),
    ])
    func `understands sizes`(text: String, bytes: Int) throws {
        let configuration = try parse(
            """
            listeners: {a: {address: 192.0.2.1:443, default: web, hello: {max_size: \(text)}}}
            clusters: {web: [10.0.0.1:443]}
            """)
        #expect(configuration.listeners[0].hello.maxSize == bytes)
    }

    @Test(arguments: [
        ("10s", Duration.seconds(10)), ("1500ms", .milliseconds(1500)), ("1m", .seconds(60)),
        ("24h", .seconds(86400)),
    ])
    func `understands durations`(text: String, duration: Duration) throws {
        let configuration = try parse(before: "limits: {idle_timeout: \(text)}")
        #expect(configuration.limits.idleTimeout == duration)
    }

    @Test(arguments: ["10000-20000, 30000-40000", "[10000-20000, 30000-40000]"])
    func `takes ports as text or as a list`(ports: String) throws {
        let configuration = try parse(before: "source:\n  ports: \(ports)")
        #expect(configuration.source.ports == [10000...20000, 30000...40000])
    }

    @Test func `lets a specific address stand beside a wildcard`() throws {
        let configuration = try parse(
            """
            listeners:
              all: {address: 0.0.0.0:443, default: web}
              one: {address: 192.0.2.1:443, default: web}
            clusters: {web: [10.0.0.1:443]}
            """)
        #expect(configuration.listeners.map(\.id) == [0, 1])
    }

    @Test func `takes empty sections for their defaults`() throws {
        let configuration = try parse(before: "limits:\nsource:\nlog:\n")
        #expect(configuration == (try parse(before: "")))
    }

    @Test func `takes quoted and anchored text`() throws {
        let configuration = try parse(
            """
            listeners: {'a': {address: "192.0.2.1:443", "default": web}}
            clusters: {web: &same [10.0.0.1:443], mail: *same}
            """)
        #expect(configuration.clusters[0].endpoints == configuration.clusters[1].endpoints)
    }

    @Test func `is the same whatever the line breaks and byte order mark`() throws {
        let text = BrokenFile.listenerAndClusters
        let other = "\u{feff}" + text.replacing("\n", with: "\r\n")
        #expect(try parse(other) == parse(text))
    }

    @Test func `holds a hundred listeners with a thousand ports each`() throws {
        let listeners = (0..<100).map { index in
            let address = index < 50 ? "192.0.2.\(index)" : "\"[2001:db8::\(index)]"
            let end = index < 50 ? "" : "\""
            return "  l\(index): {address: \(address):9000-9999\(end), default: web}"
        }
        let configuration = try parse(
            "listeners:\n" + listeners.joined(separator: "\n")
                + "\nclusters: {web: [10.0.0.1:443]}\n")
        #expect(configuration.listeners.count == 100)
        #expect(Set(configuration.listeners.flatMap(\.addresses)).count == 100_000)
    }

    @Test func `holds ten thousand routes`() throws {
        let routes = (0..<10_000).map { "      h\($0).example.com: web" }
        let configuration = try parse(
            "listeners:\n  a:\n    address: 192.0.2.1:443\n    routes:\n"
                + routes.joined(separator: "\n") + "\nclusters: {web: [10.0.0.1:443]}\n")
        #expect(configuration.listeners[0].routes.routes.count == 10_000)
    }

    /// A cluster by its keys, and what of it will never happen.
    @Test(arguments: [
        ("endpoints: [10.0.0.1:443, 10.0.0.2:443], ejection: {}", nil),
        ("endpoints: [{address: 10.0.0.1:443, weight: 0}, 10.0.0.2:443]", nil),
        (
            "endpoints: [10.0.0.1:443], ejection: {}",
            "f:4:20: of 1 endpoints, a \"max_share\" of 50% lets \"ejection\" take none out; "
                + "write at least 100%, or more endpoints"
        ),
        (
            "endpoints: [10.0.0.1:443, 10.0.0.2:443, 10.0.0.3:443], ejection: {max_share: 33%}",
            "f:4:20: of 3 endpoints, a \"max_share\" of 33% lets \"ejection\" take none out; "
                + "write at least 34%, or more endpoints"
        ),
        (
            "endpoints: [{address: 10.0.0.1:443, weight: 0}]",
            "f:4:20: all endpoints of cluster \"web\" have weight 0, so that none gets new "
                + "connections; write a weight if that is not meant"
        ),
    ])
    func `is warned of what its clusters will never do`(cluster: String, warning: String?) throws {
        let text = """
            listeners:
              a: {address: 192.0.2.1:443, default: web}
            clusters:
              web: {\(cluster)}
            """
        var warnings: [String] = []
        _ = try Configuration.parse(text: text, fileName: "f") { warnings.append($0.description) }
        #expect(warnings == [warning].compactMap(\.self))
    }

    /// Keys of a listener and of its cluster, and what is said of them.
    @Test(
        arguments: [
            (
                "mode: tls, wildcards: one_label",
                "balance: ring, hash_key: sni, load_factor: 200%", []
            ),
            ("mode: tcp", "balance: maglev, hash_key: sni, table_size: 7", []),
            // What is not the default alone.
            ("mode: tcp, wildcards: any_depth", "table_size: 65537, load_factor: 125%", []),
            (
                "mode: tcp, wildcards: one_label, hello: {server_first_after: 1s}",
                "hash_key: sni, table_size: 7, load_factor: 500%",
                [
                    "4:9: \"hash_key\" has no effect with \"balance: round_robin\"; maglev and ring go by it",
                    "4:24: \"table_size\" has no effect with \"balance: round_robin\"; maglev and "
                        + "source_hash go by it",
                    "4:39: \"load_factor\" has no effect with \"balance: round_robin\"; ring goes by it",
                    "2:56: \"wildcards\" has no effect with \"mode: tcp\": nobody reads server names",
                    "2:86: \"server_first_after\" has no effect with \"mode: tcp\": nobody waits for a hello",
                ]
            ),
            (
                "mode: plain, reject: drop", "balance: source_hash",
                [
                    "2:58: \"reject\" has no effect with \"mode: plain\": clients that nobody serves are reset"
                ]
            ),
        ] as [(String, String, [String])])
    func `is warned of keys that change nothing where they stand`(
        listener: String, cluster: String, wanted: [String]
    ) throws {
        let text = """
            listeners:
              a: {address: 192.0.2.1:443, default: web, \(listener)}
            clusters:
              web: {\(cluster), endpoints: [10.0.0.1:443]}
            """
        var warnings: [String] = []
        _ = try Configuration.parse(text: text, fileName: "f") { warnings.append($0.description) }
        #expect(Set(warnings) == Set(wanted.map { "f:" + $0 }))
    }

    @Test func `may say true and false for on and off wherever these are words`() throws {
        let configuration = try parse(
            """
            log: {connections: false}
            listeners:
              a: {address: 192.0.2.1:443, default: web, rules: [{tls: false, to: web}]}
            clusters:
              web: {proxy_protocol: false, slow_start: false, transparent: false, endpoints: [10.0.0.1:443]}
            """)
        #expect(configuration.log.connections == .off)
        #expect(configuration.listeners[0].routes.routes[0].conditions.tls == .off)
        #expect(configuration.clusters[0].proxyProtocol == .off)
    }
}
