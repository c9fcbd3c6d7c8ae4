// SPDX-License-Identifier: Apache-2.0

internal import Balancing

/// The keys of a cluster.
enum EnvoyClusterSection: Section {
    static let path = "clusters"
    static let name = RequiredKey("name", .objectName, "the cluster's name")
    static let type = ValueKey(
        "type", .discovery, standard: EnvoyDiscovery.fixed,
        "STRICT_DNS with host names: `endpoints_dns`; else nothing: endpoints are IP addresses")
    static let connectTimeout = ValueKey(
        "connect_timeout", .seconds(.milliseconds(10)...(.seconds(600))),
        standard: EnvoyDefaults.connectTimeout, "`connect_timeout`")
    static let policy = ValueKey(
        "lb_policy", .choice, standard: EnvoyPolicy.roundRobin,
        "`balance`: ROUND_ROBIN `round_robin`, LEAST_REQUEST `random_of_two`, RING_HASH `ring`, "
            + "MAGLEV `maglev`, RANDOM `random_of_two` with a warning")
    static let assignment = GroupKey(
        "load_assignment", "a mapping with \"endpoints\"", "`endpoints`")
    static let socket = GroupKey(
        "transport_socket", "envoy.transport_sockets.upstream_proxy_protocol", "`proxy_protocol`")
    static let leastRequest = GroupKey(
        "least_request_lb_config", "a mapping", "`balance`, `slow_start`")
    static let roundRobin = GroupKey("round_robin_lb_config", "a mapping", "`slow_start`")
    static let maglev = GroupKey("maglev_lb_config", "a mapping", "`table_size`")
    static let common = GroupKey("common_lb_config", "a mapping", "`panic_threshold`")
    static let healthChecks = GroupKey(
        "health_checks", "a list of one health check",
        "`health`, with `start: wait_for_first`, `jitter: 0%` and `panic_threshold: 50%`")
    static let outliers = GroupKey(
        "outlier_detection", "a mapping", "`ejection`, with `panic_threshold: 50%`")
    static let closesConnections = ValueKey(
        "close_connections_on_host_health_failure", .trueFalse, standard: false,
        "`on_down`: true `reset`, by checks alone, not by ejections")
    static let breakers = GroupKey(
        "circuit_breakers", "a mapping with \"thresholds\"", "`max_connections`")
    static let lookupFamily = ValueKey(
        "dns_lookup_family", .choice, standard: EnvoyLookupFamily.automatic,
        "nothing: names stand for all of their addresses (ALL); AUTO with a warning; the others are "
            + "errors where endpoints are names")
    static let resolverConfig = resolver("typed_dns_resolver_config")
    static let resolutionConfig = resolver("dns_resolution_config")
    static let resolvers = resolver("dns_resolvers")

    private static func resolver(_ name: String) -> GroupKey {
        GroupKey(name, "nothing", "nothing; an error where endpoints are names")
    }

    static let keys: [any AnyKey] = [
        name, type, connectTimeout, policy, assignment, socket, leastRequest, roundRobin, maglev,
        common, healthChecks, outliers, closesConnections, breakers, lookupFamily, resolverConfig,
        resolutionConfig, resolvers,
    ]
    static let ignored = [
        "alt_stat_name", "connection_pool_per_downstream_connection", "dns_failure_refresh_rate",
        "dns_jitter", "dns_refresh_rate", "metadata", "per_connection_buffer_limit_bytes",
        "respect_dns_ttl", "track_cluster_stats", "track_timeout_budgets",
        "use_tcp_for_dns_lookups", "wait_for_warm_on_init",
    ]
    static let refused = [
        "cleanup_interval": "leave it out",
        "cluster_type": "write \"type\" STATIC and \"load_assignment\"",
        "eds_cluster_config": "write \"type\" STATIC and \"load_assignment\"",
        "hosts": "write \"load_assignment\"",
        "lb_subset_config": "make a cluster of each subset",
        "load_balancing_policy": "write \"lb_policy\"",
        "max_requests_per_connection": "sluice counts no requests, so leave it out",
        "preconnect_policy": "leave it out",
        "protocol_selection": "sluice speaks no HTTP, so leave it out",
        "common_http_protocol_options": "sluice speaks no HTTP, so leave it out",
        "http_protocol_options": "sluice speaks no HTTP, so leave it out",
        "http2_protocol_options": "sluice speaks no HTTP, so leave it out",
        "typed_extension_protocol_options": "sluice speaks no HTTP, so leave it out",
        "original_dst_lb_config": "write \"type\" STATIC and \"load_assignment\"",
        "ring_hash_lb_config": "the ring has a size of its own, so leave it out",
        "tls_context": "sluice makes no TLS of its own, so leave it out",
        "transport_socket_matches": "write \"transport_socket\", or make a cluster of each",
        "upstream_bind_config": "leave it out; sluice's own form has \"source\" for all clusters",
        "upstream_connection_options":
            "leave it out; \"limits\" of sluice's own form has \"idle_probe\"",
        "ignore_health_on_host_removal": "leave it out",
        "filters": "leave it out",
    ]
}

/// The keys of `least_request_lb_config`.
enum EnvoyLeastRequest: Section {
    static let path = "least_request_lb_config"
    static let choices = ValueKey(
        "choice_count",
        Form(
            accepted: "2, or \"selection_method\" FULL_SCAN",
            parse: { $0 == "2" ? 2 : nil }, show: { String($0) }),
        standard: 2, "`balance: random_of_two`")
    static let method = ValueKey(
        "selection_method", .choice, standard: EnvoySelection.choices,
        "`balance`: N_CHOICES `random_of_two`, FULL_SCAN `least_connections`")
    static let slowStart = EnvoyRoundRobin.slowStart

    static let keys: [any AnyKey] = [choices, method, slowStart]
    static let refused = [
        "active_request_bias": "leave it out", "locality_lb_config": "leave it out",
    ]
}

/// The keys of `round_robin_lb_config`.
enum EnvoyRoundRobin: Section {
    static let path = "round_robin_lb_config"
    static let slowStart = GroupKey(
        "slow_start_config", "a mapping with \"slow_start_window\"", "`slow_start`")

    static let keys: [any AnyKey] = [slowStart]
    static let refused = ["locality_lb_config": "leave it out"]
}

/// The keys of `slow_start_config`.
enum EnvoySlowStart: Section {
    static let path = "slow_start_config"
    static let window = RequiredKey(
        "slow_start_window", Form<Duration>.seconds(.seconds(1)...(.seconds(3600))), "`slow_start`")

    static let keys: [any AnyKey] = [window]
    static let refused = [
        "aggression": "the share rises evenly, so leave it out",
        "min_weight_percent": "the share rises from nothing, so leave it out",
    ]
}

/// The keys of `maglev_lb_config`.
enum EnvoyMaglev: Section {
    static let path = "maglev_lb_config"
    static let tableSize = ValueKey(
        "table_size", .prime(Balance.largestTable), standard: Defaults.balance.tableSize,
        "`table_size`")

    static let keys: [any AnyKey] = [tableSize]
    static let refused = ["consistent_hashing_lb_config": "leave it out"]
}
