// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// The keys of a listener.
enum EnvoyListenerSection: Section {
    static let path = "listeners"
    static let name = ValueKey(
        "name", Form.text("a name").orAbsent("listener_N"), standard: nil, "the listener's name")
    static let address = GroupKey("address", "a mapping with \"socket_address\"", "`addresses`")
    static let more = GroupKey(
        "additional_addresses", "a list of mappings with \"address\"", "`addresses`")
    static let listenerFilters = GroupKey(
        "listener_filters", "a list with envoy.filters.listener.tls_inspector",
        "nothing: every listener looks at hellos")
    static let chains = GroupKey(
        "filter_chains", "a list of filter chains", "`routes`, `rules`, `default`, `non_tls`")
    static let standard = GroupKey(
        "default_filter_chain", "a filter chain",
        "`default`, `non_tls`, and rules for clients that no filter chain of their name takes")
    static let timeout = ValueKey(
        "listener_filters_timeout", .seconds(.milliseconds(100)...(.seconds(3600))),
        standard: EnvoyDefaults.helloTimeout, "`hello.timeout`")

    static let keys: [any AnyKey] = [
        name, address, more, listenerFilters, chains, standard, timeout,
    ]
    static let ignored = [
        "stat_prefix", "per_connection_buffer_limit_bytes", "tcp_backlog_size",
        "traffic_direction", "enable_reuse_port", "reuse_port", "metadata",
        "ignore_global_conn_limit", "max_connections_to_accept_per_socket_event",
    ]
    static let refused = [
        "access_log": "write it in \"tcp_proxy\"; clients that are turned away have a line, too",
        "bind_to_port": "every listener has its port; leave it out",
        "connection_balance_config": "all threads share all connections; leave it out",
        "continue_on_listener_filters_timeout":
            "clients without a hello in time are turned away; leave it out",
        "filter_chain_matcher": "write \"filter_chain_match\" in each filter chain",
        "freebind": "give this host the address, and leave it out",
        "socket_options": "leave it out",
        "tcp_fast_open_queue_length": "leave it out",
        "tcp_keepalive": "leave it out; \"limits\" of sluice's own form has \"idle_probe\"",
        "transparent": "leave it out",
        "udp_listener_config": "sluice speaks TCP",
        "use_original_dst": "write where connections go as clusters",
        "use_proxy_proto": "write \"accept_proxy\" in a file of sluice's own form",
        "api_listener": "write \"filter_chains\"",
        "internal_listener": "write \"address\"",
    ]
}

/// The keys of `additional_addresses`.
enum EnvoyMoreAddresses: Section {
    static let path = "additional_addresses"
    static let address = GroupKey("address", "a mapping with \"socket_address\"", "`addresses`")

    static let keys: [any AnyKey] = [address]
    static let refused = ["socket_options": "leave it out"]
}

/// The keys of the listener filter `tls_inspector`.
enum EnvoyInspector: Section {
    static let path = "tls_inspector"
    static let type = ValueKey(
        "@type", Form.text("a type").orAbsent("that of the name"), standard: nil,
        "TlsInspector")
    static let largest = ValueKey(
        "max_client_hello_size", Form.count(512...16384).orAbsent("16384"), standard: nil,
        "`hello.max_size`")

    static let keys: [any AnyKey] = [type, largest]
    static let ignored = ["initial_read_buffer_size"]
    static let refused = [
        "enable_ja3_fingerprinting": "leave it out",
        "enable_ja4_fingerprinting": "leave it out",
        "close_connection_on_client_hello_parsing_errors":
            "what is no hello is not TLS, so leave it out",
    ]
}

/// The keys of a filter chain.
enum EnvoyChainSection: Section {
    static let path = "filter_chains"
    static let match = GroupKey(
        "filter_chain_match", "a mapping", "what a route or rule asks of clients")
    static let filters = GroupKey(
        "filters", "a list with envoy.filters.network.tcp_proxy or ebpf_tcp_proxy",
        "where clients go")

    static let keys: [any AnyKey] = [match, filters]
    static let ignored = ["name", "metadata"]
    static let refused = [
        "transport_socket": "sluice terminates no TLS and passes it through, so leave it out",
        "transport_socket_connect_timeout": "leave it out",
        "use_proxy_proto": "write \"accept_proxy\" in a file of sluice's own form",
        "tls_context": "sluice terminates no TLS and passes it through, so leave it out",
    ]
}

/// The keys of `filter_chain_match`.
enum EnvoyMatch: Section {
    static let path = "filter_chain_match"
    static let names = ListKey("server_names", .envoyServerName, "`routes`, or `sni` of a rule")
    static let protocols = ListKey("application_protocols", .protocolName, "`alpn` of a rule")
    static let sources = GroupKey(
        "source_prefix_ranges", "a list, each with \"address_prefix\" and \"prefix_len\"",
        "`source` of a rule")
    static let transport = ValueKey(
        "transport_protocol", Form<EnvoyTransport>.choice.orAbsent("either"), standard: nil,
        "`tls` of a rule, `default` (tls) or `non_tls` (raw_buffer)")

    static let keys: [any AnyKey] = [names, protocols, sources, transport]
    static let refused = [
        "destination_port": "make a listener of that port",
        "prefix_ranges": "make a listener of that address",
        "address_suffix": "make a listener of that address",
        "suffix_len": "make a listener of that address",
        "direct_source_prefix_ranges": "write \"source_prefix_ranges\"",
        "source_type": "write \"source_prefix_ranges\"",
        "source_ports": "leave it out",
    ]
}

/// The keys of a block of addresses.
enum EnvoyBlock: Section {
    static let path = "source_prefix_ranges"
    static let address = RequiredKey(
        "address_prefix",
        Form(
            accepted: "an IP address, for example 10.0.0.0", parse: { IPAddress($0) },
            show: \.description), "`source` of a rule")
    static let length = ValueKey(
        "prefix_len", .count(0...128), standard: 0, "`source` of a rule")

    static let keys: [any AnyKey] = [address, length]
}
