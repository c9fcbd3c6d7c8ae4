// SPDX-License-Identifier: Apache-2.0

import Balancing
import Settings
import Testing

@Suite struct `Configuration dump` {
    private func parse(_ text: String) throws -> Configuration {
        #expect(try SchemaValidator.complaints(text) == [])
        return try Configuration.parse(text: text, fileName: "dump.yaml")
    }

    @Test(arguments: Example.all)
    func `reads back to the same configuration`(example: Example) throws {
        let configuration = try Configuration.load(file: example.path)
        let text = configuration.text
        #expect(try parse(text) == configuration)
        #expect(try parse(text).text == text)
    }

    @Test func `reads back whatever can be configured`() throws {
        let configuration = try parse(
            """
            instance: "7"
            interfaces: [eth0, 7, "8"]
            attach: clsact
            splicing: off
            workers: 3
            source: {addresses: ["10.0.0.9", "2001:db8::9"], ports: [5000, 6000-6010]}
            limits: {flows: 1024, watermark: 50%, idle_timeout: 90s, max_lifetime: 1h,
                     keepalives_count: on, idle_probe: off, closed_linger: 1500ms,
                     max_connections: 9, tracked_sources: 2048,
                     access: {allow: 10.0.0.0/8, deny: [10.1.0.0/16, "::1"], denied: reset},
                     per_source: {connections: 7, rate: 5/s, burst: 9, dry_run: on}}
            log: {format: json, level: debug, connections: stderr}
            listeners:
              "on":
                addresses: ["[::]:443", 0.0.0.0:9000-9002, 192.0.2.1:8443]
                default: web
                non_tls: "null"
                reject: close
                wildcards: one_label
                routes: {"*.example.com": web, on.test: web, "1a": "null"}
                rules:
                  - {sni: [a.test, "*.b.test"], alpn: [h2, "a\\x07\\"b", "ü", "-"], to: web}
                  - {sni_regex: 'k(\\d+)\\.[^"]*', source: [10.0.0.0/8, "::1"], to: w$1b}
                  - {sni: c.test, split: {web: 9, "null": 1}, sticky: source}
                  - {sni: c.test, ech: off, split: {web: 9, "null": 0}}
                  - {min_tls: 1.2, ech: on, first: on, reject: reset}
                  - {tls: any, reject: drop}
                  - {tls: off, source: 10.0.0.0/8, reject: close}
                  - {sni: plain.test, to: web}
                  - {tls: on, to: web}
                accept_proxy: ["10.0.0.0/8", "::1"]
                hello: {timeout: 200ms, max_size: 64k, on_timeout: default, on_too_large: default,
                        server_first_after: 150ms}
              second:
                address: 192.0.2.1:9
                mode: tcp
                accept_proxy: 10.0.0.1
                default: web
                max_connections: 8
                access: {deny: "2001:db8::/32"}
                per_source: {rate: 100/m, above: reset, prefix_v4: 24, prefix_v6: 48}
            clusters:
              named: {endpoints_dns: ["Db.Internal.:5432", "x:1"]}
              "null": [10.0.0.3:80]
              web:
                connect_timeout: 250ms
                proxy_protocol: v2
                proxy_tlvs: [crc32c, "0xe0=a=b c", authority, "0xF7=hex:00 ff", unique_id, alpn]
                balance: ring
                hash_key: sni
                table_size: 251
                load_factor: 150%
                slow_start: 30s
                panic_threshold: 40%
                health: {check: http, interval: 1s, timeout: 100ms, rise: 1, fall: 5, jitter: 0%,
                         fast_interval: 500ms, down_interval: 1m, start: wait_for_first,
                         path: "/up?a=b", status: 204, server_name: www.web.test}
                ejection: {failures: 2, base: 1s, max_share: 10%}
                on_down: reset_slowly
                when_empty: cluster w1b
                max_connections: 4
                endpoints:
                  - {address: "10.0.0.1:443", weight: 0, priority: 2, max_connections: 3}
                  - "[2001:db8::2]:443"
              w1b:
                health: {check: send, send: "PING\r\n", expect: "hex:00ff"}
                when_empty: cluster null
                endpoints: [10.0.0.4:80]
            """)
        let text = configuration.text
        #expect(try parse(text) == configuration, "\(text)")
        #expect(try parse(text).text == text)
    }

    /// Which nothing is that is not spliced.
    @Test func `reads back a cluster that keeps its clients' addresses`() throws {
        let configuration = try parse(
            """
            listeners: {a: {address: 192.0.2.1:443, default: web}}
            clusters: {web: {transparent: true, endpoints: [10.0.0.1:443]}}
            """)
        #expect(configuration.clusters[0].isTransparent)
        #expect(configuration.text.contains("    transparent: on\n"))
        #expect(try parse(configuration.text) == configuration)
    }
}
