// SPDX-License-Identifier: Apache-2.0

extension BrokenBootstrap {
    /// The top of the file, listeners and their filters.
    static let listeners = [
        BrokenBootstrap(
            "an unknown key at the top",
            Parts(
                top: "admn: {}"),
            errors: """
                envoy.yaml:23:1: unknown key "admn"; did you mean "admin"?
                """),
        BrokenBootstrap(
            "dynamic resources",
            Parts(
                top: "dynamic_resources: {}"),
            errors: """
                envoy.yaml:23:1: "dynamic_resources" is not supported; write what it would get \
                under "static_resources"
                """),
        BrokenBootstrap(
            "a listener on a pipe",
            Parts(
                address: "{pipe: {path: /run/x}}"),
            errors: """
                envoy.yaml:4:15: "pipe" is not supported; sluice speaks TCP, so write \
                "socket_address"
                """),
        BrokenBootstrap(
            "a listener on a name",
            Parts(
                address: "{socket_address: {address: localhost, port_value: 443}}"),
            errors: """
                envoy.yaml:4:41: "address" is "localhost"; write an IP address, for example \
                192.0.2.1, 0.0.0.0 or "::"; host names are not looked up
                """),
        BrokenBootstrap(
            "a listener without a port",
            Parts(
                address: "{socket_address: {address: 192.0.2.1}}"),
            errors: """
                envoy.yaml:4:15: "port_value" is missing in "socket_address"; write a whole \
                number from 1 to 65535
                """),
        BrokenBootstrap(
            "a listener of UDP",
            Parts(
                address: """
                    {socket_address: {address: 192.0.2.1, port_value: 443, protocol: UDP}}
                    """),
            errors: """
                envoy.yaml:4:79: "protocol" is "UDP"; write TCP
                """),
        BrokenBootstrap(
            "the PROXY protocol from clients",
            Parts(
                inspector: "{name: envoy.filters.listener.proxy_protocol}"),
            errors: """
                envoy.yaml:5:31: the listener filter "envoy.filters.listener.proxy_protocol" \
                is not supported; write "accept_proxy" in a file of sluice's own form, as \
                "sluice convert" prints
                """),
        BrokenBootstrap(
            "another listener filter",
            Parts(
                inspector: "{name: envoy.filters.listener.original_dst}"),
            errors: """
                envoy.yaml:5:31: the listener filter "envoy.filters.listener.original_dst" is \
                not supported; leave it out; there is only envoy.filters.listener.tls_inspector
                """),
        BrokenBootstrap(
            "a listener that looks at no hello",
            Parts(
                inspector: "",
                listener: "",
                match: ""),
            errors: """
                envoy.yaml:3:5: listener "tls" looks at no hello; that is not supported, so \
                add the listener filter envoy.filters.listener.tls_inspector
                """),
        BrokenBootstrap(
            "an option of the inspector",
            Parts(
                inspector: """
                    {name: envoy.filters.listener.tls_inspector, typed_config: \
                    {enable_ja3_fingerprinting: true}}
                    """),
            errors: """
                envoy.yaml:5:84: "enable_ja3_fingerprinting" is not supported; leave it out
                """),
        BrokenBootstrap(
            "a listener's access log",
            Parts(
                listener: "access_log: []"),
            errors: """
                envoy.yaml:6:5: "access_log" is not supported; write it in "tcp_proxy"; \
                clients that are turned away have a line, too
                """),
        BrokenBootstrap(
            "a timeout without its unit",
            Parts(
                listener: "listener_filters_timeout: 15"),
            errors: """
                envoy.yaml:6:31: "listener_filters_timeout" is "15"; write a duration in \
                seconds from 0.1s to 3600s, for example 0.25s or 5s; the unit is missing
                """),
        BrokenBootstrap(
            "a timeout in minutes",
            Parts(
                listener: "listener_filters_timeout: 1m"),
            errors: """
                envoy.yaml:6:31: "listener_filters_timeout" is "1m"; write a duration in \
                seconds from 0.1s to 3600s, for example 0.25s or 5s
                """),
        BrokenBootstrap(
            "a misspelt key of a listener",
            Parts(
                listener: "default_filter_chian: {}"),
            errors: """
                envoy.yaml:6:5: unknown key "default_filter_chian"; did you mean \
                "default_filter_chain"?
                """),
        BrokenBootstrap(
            "a default filter chain that asks",
            Parts(
                listener: """
                    default_filter_chain: {filter_chain_match: {}, filters: [{name: t, \
                    typed_config: {"@type": a/TcpProxy, cluster: web}}]}
                    """),
            errors: """
                envoy.yaml:6:28: "filter_chain_match" stands in "default_filter_chain", which \
                takes all that is left; leave it out
                """),
        BrokenBootstrap(
            "the listener as its endpoint",
            Parts(
                member: """
                    {endpoint: {address: {socket_address: {address: 192.0.2.1, port_value: \
                    443}}}}
                    """),
            errors: """
                envoy.yaml:22:59: endpoint 192.0.2.1:443 is an address of listener "tls"; \
                connections would come back, so write another address
                """),
    ]
}
