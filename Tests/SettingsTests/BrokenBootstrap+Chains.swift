// SPDX-License-Identifier: Apache-2.0

extension BrokenBootstrap {
    /// Filter chains and what they match.
    static let chains = [
        BrokenBootstrap(
            "a match that is not known",
            Parts(
                match: "server_name: [a.test]"),
            errors: """
                envoy.yaml:8:28: unknown key "server_name"; did you mean "server_names"?
                """),
        BrokenBootstrap(
            "a match by port",
            Parts(
                match: "destination_port: 443"),
            errors: """
                envoy.yaml:8:28: "destination_port" is not supported; make a listener of that \
                port
                """),
        BrokenBootstrap(
            "a match by the kind of source",
            Parts(
                match: "source_type: EXTERNAL"),
            errors: """
                envoy.yaml:8:28: "source_type" is not supported; write "source_prefix_ranges"
                """),
        BrokenBootstrap(
            "a star for every name",
            Parts(
                match: #"server_names: ["*"]"#),
            errors: """
                envoy.yaml:8:43: "server_names" holds "*"; write a server name, for example \
                www.example.com or "*.example.com"; leave "server_names" out to match every \
                name
                """),
        BrokenBootstrap(
            "a name that is an address",
            Parts(
                match: "server_names: [10.0.0.1]"),
            errors: """
                envoy.yaml:8:43: "server_names" holds "10.0.0.1"; write a server name, for \
                example www.example.com or "*.example.com"; clients never send an address as \
                server name (RFC 6066)
                """),
        BrokenBootstrap(
            "a name that stands there twice",
            Parts(
                match: "server_names: [a.test, A.test]"),
            errors: """
                envoy.yaml:8:51: "server_names" has "a.test" twice; write it once
                """),
        BrokenBootstrap(
            "an unknown transport protocol",
            Parts(
                match: "transport_protocol: quic"),
            errors: """
                envoy.yaml:8:48: "transport_protocol" is "quic"; write tls or raw_buffer
                """),
        BrokenBootstrap(
            "names of clients without TLS",
            Parts(
                match: "server_names: [a.test], transport_protocol: raw_buffer"),
            errors: """
                envoy.yaml:8:28: "server_names" is for clients that speak TLS, but \
                "transport_protocol" is raw_buffer; nobody would match, so leave one of them \
                out
                """),
        BrokenBootstrap(
            "a prefix that is too long",
            Parts(
                match: "source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 64}]"),
            errors: """
                envoy.yaml:8:90: "prefix_len" is "64", but 10.0.0.0 has 32 bits; write 0 to 32
                """),
        BrokenBootstrap(
            "sources as text",
            Parts(
                match: "source_prefix_ranges: [10.0.0.0/8]"),
            errors: """
                envoy.yaml:8:51: "source_prefix_ranges" is "10.0.0.0/8"; write a mapping of \
                the keys address_prefix, prefix_len
                """),
        BrokenBootstrap(
            "TLS to be terminated",
            Parts(
                chain: "transport_socket: {name: envoy.transport_sockets.tls}"),
            errors: """
                envoy.yaml:9:7: "transport_socket" is not supported; sluice terminates no TLS \
                and passes it through, so leave it out
                """),
        BrokenBootstrap(
            "a filter for HTTP",
            Parts(
                filter: "envoy.filters.network.http_connection_manager",
                type: """
                    envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                    """),
            errors: """
                envoy.yaml:11:15: the network filter \
                "envoy.filters.network.http_connection_manager" of type \
                "HttpConnectionManager" is not supported; write \
                envoy.filters.network.tcp_proxy or ebpf_tcp_proxy
                """),
        BrokenBootstrap(
            "two filter chains for the same clients",
            Parts(
                chain: """
                    filters: [{name: t, typed_config: {"@type": a/TcpProxy, cluster: web}}]
                        - filter_chain_match: {server_names: [a.test]}
                    """),
            errors: """
                envoy.yaml:10:7: this filter chain takes the same clients as the one in line \
                8; write one of them
                """),
        BrokenBootstrap(
            "no filter",
            Parts(
                chain: """
                    filters: []
                        - name: second
                    """),
            errors: """
                envoy.yaml:9:16: "filters" is an empty list; write a list with \
                envoy.filters.network.tcp_proxy or ebpf_tcp_proxy
                """),
    ]
}
