// SPDX-License-Identifier: Apache-2.0

extension BrokenBootstrap {
    /// Clusters and their endpoints.
    static let clusters = [
        BrokenBootstrap(
            "a misspelt key of a cluster",
            Parts(
                cluster: "lb_polcy: MAGLEV"),
            errors: """
                envoy.yaml:17:5: unknown key "lb_polcy"; did you mean "lb_policy"?
                """),
        BrokenBootstrap(
            "an unknown policy",
            Parts(
                cluster: "lb_policy: ROUND_ROBBIN"),
            errors: """
                envoy.yaml:17:16: "lb_policy" is "ROUND_ROBBIN"; write ROUND_ROBIN, \
                LEAST_REQUEST, RANDOM, RING_HASH or MAGLEV; did you mean "ROUND_ROBIN"?
                """),
        BrokenBootstrap(
            "a policy that Envoy alone has",
            Parts(
                cluster: "lb_policy: CLUSTER_PROVIDED"),
            errors: """
                envoy.yaml:17:16: "lb_policy" is "CLUSTER_PROVIDED"; write ROUND_ROBIN, \
                LEAST_REQUEST, RANDOM, RING_HASH or MAGLEV
                """),
        BrokenBootstrap(
            "a cluster of another discovery",
            Parts(
                cluster: "type: EDS"),
            errors: """
                envoy.yaml:17:11: "type" is "EDS"; write STATIC or STRICT_DNS
                """),
        BrokenBootstrap(
            "a name of which one address at a time is used",
            Parts(
                cluster: "type: LOGICAL_DNS"),
            errors: """
                envoy.yaml:17:11: "type" is "LOGICAL_DNS"; write STATIC or STRICT_DNS; it uses one \
                address of a name at a time, STRICT_DNS all of them
                """),
        BrokenBootstrap(
            "an endpoint by name where addresses are wanted",
            Parts(
                member: """
                    {endpoint: {address: {socket_address: {address: kafka.internal, \
                    port_value: 443}}}}
                    """),
            errors: """
                envoy.yaml:22:59: "kafka.internal:443" is a host name; write "type": STRICT_DNS, or \
                an IP address
                """),
        BrokenBootstrap(
            "what is neither a name nor an address",
            Parts(
                cluster: "type: STRICT_DNS",
                member: """
                    {endpoint: {address: {socket_address: {address: kafka_1.-.internal, \
                    port_value: 443}}}}
                    """),
            errors: """
                envoy.yaml:22:59: "address" is "kafka_1.-.internal"; write an IP address, for \
                example 10.0.0.1 or "2001:db8::1", or a host name
                """),
        BrokenBootstrap(
            "names with a resolver, a family, a weight, and an address beside them",
            Parts(
                cluster: """
                    type: STRICT_DNS
                        typed_dns_resolver_config: {}
                        dns_lookup_family: V4_ONLY
                    """,
                member: """
                    {endpoint: {address: {socket_address: {address: kafka.internal, \
                    port_value: 443}}}, load_balancing_weight: 2}
                            - {endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 1}}}}
                    """),
            errors: """
                envoy.yaml:18:5: "typed_dns_resolver_config" is not supported where endpoints are \
                names; leave it out, sluice's own form has "resolver" for all names
                envoy.yaml:19:24: "dns_lookup_family" is V4_ONLY; names stand for all of their \
                addresses, so write ALL
                envoy.yaml:24:59: "kafka.internal:443" is a host name, and has a weight or priority; \
                all addresses of a cluster's names have the same, so leave them out
                envoy.yaml:25:59: 10.0.0.1:1 is an IP address, and other endpoints of this cluster \
                are names; make a cluster of each kind
                """),
        BrokenBootstrap(
            "circuit breakers of what sluice does not have",
            Parts(
                cluster: """
                    circuit_breakers:
                          per_host_thresholds: []
                          thresholds:
                          - {priority: HIGH, max_connections: 0, max_requests: 1, track_remaining: true}
                          - {max_connections: 5}
                    """),
            errors: """
                envoy.yaml:18:7: "per_host_thresholds" is not supported; leave it out; endpoints of \
                sluice's own form have "max_connections"
                envoy.yaml:20:20: "priority" is "HIGH"; write DEFAULT
                envoy.yaml:20:43: "max_connections" is "0"; write a whole number from 1 to 4294967295
                envoy.yaml:20:46: "max_requests" is not supported; sluice counts no requests, so \
                leave it out
                envoy.yaml:21:9: these are second thresholds, and one is all; leave them out
                """),
        BrokenBootstrap(
            "TLS towards the endpoints",
            Parts(
                cluster: """
                    transport_socket: {name: envoy.transport_sockets.tls, typed_config: \
                    {"@type": a/UpstreamTlsContext}}
                    """),
            errors: """
                envoy.yaml:17:30: the transport socket "envoy.transport_sockets.tls" is not \
                supported; sluice makes no TLS of its own, so leave it out or write \
                envoy.transport_sockets.upstream_proxy_protocol
                """),
        BrokenBootstrap(
            "a third version of PROXY",
            Parts(
                cluster: """
                    transport_socket: {name: p, typed_config: {"@type": \
                    a/ProxyProtocolUpstreamTransport, config: {version: V3}}}
                    """),
            errors: """
                envoy.yaml:17:109: "version" is "V3"; write V1 or V2; did you mean "V1"?
                """),
        BrokenBootstrap(
            "tuning of another policy",
            Parts(
                cluster: "maglev_lb_config: {table_size: 251}"),
            errors: """
                envoy.yaml:17:5: "maglev_lb_config" is for "lb_policy" MAGLEV, and this is \
                ROUND_ROBIN; leave it out
                """),
        BrokenBootstrap(
            "a table that is not prime",
            Parts(
                cluster: """
                    lb_policy: MAGLEV
                        maglev_lb_config: {table_size: 250}
                    """),
            errors: """
                envoy.yaml:18:36: "table_size" is "250"; write a prime number up to 5000011, \
                for example 65537
                """),
        BrokenBootstrap(
            "a choice of three",
            Parts(
                cluster: """
                    lb_policy: LEAST_REQUEST
                        least_request_lb_config: {choice_count: 3}
                    """),
            errors: """
                envoy.yaml:18:45: "choice_count" is "3"; write 2, or "selection_method" \
                FULL_SCAN
                """),
        BrokenBootstrap(
            "an endpoint of weight 0",
            Parts(
                member: """
                    {load_balancing_weight: 0, endpoint: {address: {socket_address: {address: \
                    10.0.0.1, port_value: 443}}}}
                    """),
            errors: """
                envoy.yaml:22:35: "load_balancing_weight" is "0"; write a whole number from 1 \
                to 65535
                """),
        BrokenBootstrap(
            "an endpoint twice",
            Parts(
                member: """
                    {endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: \
                    443}}}}
                            - {endpoint: {address: {socket_address: {address: 10.0.0.1, \
                    port_value: 443}}}}
                    """),
            errors: """
                envoy.yaml:23:59: endpoint 10.0.0.1:443 is already in this cluster (line 22); \
                use "load_balancing_weight" to give it a larger share
                """),
        BrokenBootstrap(
            "a draining endpoint",
            Parts(
                member: """
                    {health_status: DRAINING, endpoint: {address: {socket_address: {address: \
                    10.0.0.1, port_value: 443}}}}
                    """),
            errors: """
                envoy.yaml:22:12: "health_status" is not supported; leave it out, or leave the \
                endpoint out
                """),
        BrokenBootstrap(
            "no endpoints",
            Parts(
                assignment: """
                    endpoints: []
                      - name: other
                        load_assignment:
                    """),
            errors: """
                envoy.yaml:19:18: "endpoints" is an empty list; write a list of groups, each \
                with "lb_endpoints"
                """),
        BrokenBootstrap(
            "a cluster twice",
            Parts(
                member: """
                    {endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: \
                    443}}}}
                      - name: web
                        load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: \
                    {socket_address: {address: 10.0.0.1, port_value: 443}}}}]}]}
                    """),
            errors: """
                envoy.yaml:23:11: cluster "web" is already in line 16; write another name
                """),
        BrokenBootstrap(
            "a name that ours cannot have",
            Parts(
                cluster: """
                    type: STATIC
                      - name: a|b
                        type: STATIC
                    """),
            errors: """
                envoy.yaml:16:5: "load_assignment" is missing in a cluster; write a mapping \
                with "endpoints"
                envoy.yaml:18:11: "name" is "a|b"; write 1 to 63 letters, digits, "-", "_" or \
                "."
                """),
    ]
}
