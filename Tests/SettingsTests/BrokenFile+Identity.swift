// SPDX-License-Identifier: Apache-2.0

extension BrokenFile {
    private static let tlvForm =
        "authority, alpn, unique_id, crc32c, or a type from 0xe0 to 0xf7 and at most 255 bytes, for "
        + "example \"0xe4=blue\" or \"0xe4=hex:00 ff\""

    private static func cluster(_ name: String, _ lines: String, errors: String) -> BrokenFile {
        BrokenFile(
            name,
            """
            clusters:
              web:
                endpoints: [10.0.0.1:443]
            \(lines)

            """,
            rest: oneListener, errors: errors)
    }

    private static func listener(_ name: String, _ lines: String, errors: String) -> BrokenFile {
        BrokenFile(
            name,
            """
            listeners:
              a:
                address: 192.0.2.1:443
            \(lines)

            """,
            rest: twoClusters, errors: errors)
    }

    /// Who is told who the client is.
    static let identity = [
        cluster(
            "a misspelt TLV", "    proxy_protocol: v2\n    proxy_tlvs: [autority]",
            errors: "sluice.yaml:5:18: \"proxy_tlvs\" holds \"autority\"; write \(tlvForm)"
                + "; did you mean \"authority\"?"),
        cluster(
            "a TLV type that is not ours to give",
            "    proxy_protocol: v2\n    proxy_tlvs: \"0xdf=a\"",
            errors: "sluice.yaml:5:17: \"proxy_tlvs\" is \"0xdf=a\"; write \(tlvForm)"),
        cluster(
            "a TLV without a value", "    proxy_protocol: v2\n    proxy_tlvs: [\"0xe4\"]",
            errors: "sluice.yaml:5:18: \"proxy_tlvs\" holds \"0xe4\"; write \(tlvForm)"),
        cluster(
            "a TLV type twice",
            "    proxy_protocol: v2\n    proxy_tlvs: [\"0xe4=a\", alpn, \"0xE4=b\"]",
            errors: "sluice.yaml:5:34: \"proxy_tlvs\" has \"0xe4=b\" although its type is there "
                + "already; write each type once"),
        cluster(
            "TLVs in version 1", "    proxy_protocol: v1\n    proxy_tlvs: authority",
            errors: "sluice.yaml:5:5: \"proxy_tlvs\" need a header of version 2; write "
                + "\"proxy_protocol: v2\" too"),
        cluster(
            "TLVs longer than a segment",
            "    proxy_protocol: v2\n    proxy_tlvs: ["
                + (0...2).map { "\"0xe\($0)=" + String(repeating: "x", count: 200) + "\"" }
                .joined(separator: ", ") + "]",
            errors: "sluice.yaml:5:5: the values of \"proxy_tlvs\" have 600 bytes; write at most "
                + "512"),
        cluster(
            "a client's address that no splice keeps", "    transparent: on\nsplicing: off",
            errors: "sluice.yaml:4:5: \"transparent\" needs spliced connections; leave "
                + "\"splicing: off\" out, or this"),
        BrokenFile(
            "a client's address towards this host, and another family",
            "clusters:\n  web:\n    endpoints: [127.0.0.1:443, \"[2001:db8::1]:443\"]\n"
                + "    transparent: on\n",
            rest: oneListener,
            errors: """
                sluice.yaml:4:5: connections to 127.0.0.1:443 are relayed, for it is on this host; \
                leave "transparent" out
                sluice.yaml:4:5: connections to [2001:db8::1]:443 are relayed, for no listener is of \
                its address family; leave "transparent" out
                """),
        listener(
            "a trusted name", "    default: web\n    accept_proxy: proxy.test",
            errors: "sluice.yaml:5:19: \"accept_proxy\" is \"proxy.test\"; write an address or a "
                + "block, for example 10.0.0.0/8 or \"2001:db8::/32\""),
        listener(
            "a misspelt mode", "    default: web\n    mode: tpc",
            errors: "sluice.yaml:5:11: \"mode\" is \"tpc\"; write tls, tcp or plain; "
                + "did you mean \"tcp\"?"),
        listener(
            "names where none is read",
            "    mode: tcp\n    default: web\n    routes: {a.test: web}",
            errors: "sluice.yaml:6:5: \"routes\" asks for server names, which \"mode: tcp\" does "
                + "not read; write \"default\", or \"rules\" with \"tls: any\" and \"source\""),
        listener(
            "rules of what is not read",
            """
                mode: tcp
                default: web
                non_tls: web
                rules:
                  - {sni: a.test, tls: any, to: web}
                  - {source: 10.0.0.1, to: web}
                  - {source: 10.0.0.2, tls: off, to: web}
            """,
            errors: """
                sluice.yaml:6:5: "non_tls" has no meaning with "mode: tcp": all clients go to \
                "default"; leave it out, or write "mode: tls"
                sluice.yaml:8:9: this rule asks for what "mode: tcp" does not read; write "tls: any" \
                and "source" alone, or "mode: tls"
                sluice.yaml:9:9: this rule asks for what "mode: tcp" does not read; write "tls: any" \
                and "source" alone, or "mode: tls"
                """),
        listener(
            "what the kernel does not know of",
            "    mode: plain\n    default: web\n    routes: {a.test: web}\n    max_connections: 9",
            errors: """
                sluice.yaml:5:14: cluster "web" cannot serve a listener with "mode: plain": the \
                kernel balances by a hash of the client; write "balance: maglev" with "hash_key: \
                source" or "source_port", or "balance: source_hash"
                sluice.yaml:6:5: "routes" has no meaning with "mode: plain": nobody reads server \
                names; leave it out, or write "mode: tls"
                sluice.yaml:7:5: "max_connections" has no meaning with "mode: plain": connections \
                are counted, not bounded; leave it out, or write "mode: tcp"
                """),
        listener(
            "clients that lead nowhere", "    mode: plain",
            errors:
                "sluice.yaml:2:3: listener \"a\" with \"mode: plain\" has no cluster; write its "
                + "\"default\""),
        listener(
            "silence that leads nowhere",
            "    routes: {a.test: web}\n    hello: {server_first_after: 200ms}",
            errors: "sluice.yaml:5:13: \"server_first_after\" leads to the default cluster, but "
                + "listener \"a\" has none; write its \"default\""),
    ]
}
