// SPDX-License-Identifier: Apache-2.0

/// The keys of the network filter `tcp_proxy`.
enum EnvoyTCPProxy: Section {
    static let path = "tcp_proxy"
    static let type = ValueKey(
        "@type", Form.text("a type").orAbsent("TcpProxy"), standard: nil, "TcpProxy")
    static let cluster = ValueKey(
        "cluster", Form.clusterName.orAbsent("none"), standard: nil, "the route's cluster")
    static let weighted = GroupKey(
        "weighted_clusters", "a mapping with \"clusters\"", "`split` of a rule")
    static let idleTimeout = ValueKey(
        "idle_timeout", .seconds(orNever: .seconds(1)...(.seconds(365 * 24 * 3600))),
        standard: EnvoyDefaults.idleTimeout,
        "`limits.idle_timeout`, with `idle_probe: off` (0s: 8760h); the same for all flows")
    static let lifetime = ValueKey(
        "max_downstream_connection_duration",
        Form<Duration>.seconds(.seconds(1)...(.seconds(365 * 24 * 3600))).orAbsent("none"),
        standard: nil, "`limits.max_lifetime`; the same for all flows")
    static let attempts = ValueKey(
        "max_connect_attempts", Form.count(1...1_000_000).orAbsent("1"), standard: nil,
        "nothing: each endpoint of the cluster is asked once; a warning if that is more")
    static let hashPolicy = GroupKey(
        "hash_policy", "the list [{source_ip: {}}]",
        "`hash_key: source` of clusters with RING_HASH or MAGLEV; without it, `source_port`")
    static let accessLog = GroupKey(
        "access_log",
        "a list of envoy.access_loggers.file, envoy.access_loggers.stdout or "
            + "envoy.access_loggers.stderr",
        "`log.connections`; the same for all connections")

    static let keys: [any AnyKey] = [
        type, cluster, weighted, idleTimeout, lifetime, attempts, hashPolicy, accessLog,
    ]
    static let ignored = ["stat_prefix"]
    static let refused = [
        "access_log_options":
            "a line is written when the connection is over, so leave it out",
        "access_log_flush_interval":
            "a line is written when the connection is over, so leave it out",
        "flush_access_log_on_connected":
            "a line is written when the connection is over, so leave it out",
        "downstream_idle_timeout": "leave it out; \"idle_timeout\" counts for both sides",
        "upstream_idle_timeout": "leave it out; \"idle_timeout\" counts for both sides",
        "backoff_options": "the next endpoint is asked at once; leave it out",
        "max_early_data_bytes": "leave it out",
        "upstream_connect_mode": "the hello names the cluster, so leave it out",
        "metadata_match": "make a cluster of the endpoints that are meant",
        "on_demand": "write the cluster under \"static_resources\"",
        "proxy_protocol_tlvs": "leave it out",
        "tunneling_config": "sluice passes TCP through as it is",
    ]
}

/// The keys of the network filter `ebpf_tcp_proxy`.
enum EnvoyEBPFProxy: Section {
    static let path = "ebpf_tcp_proxy"
    static let type = EnvoyTCPProxy.type
    static let interface = ValueKey(
        "interface_index", Form.interfaceIndex.orAbsent("that of --ifindex"), standard: nil,
        "`interfaces`")
    static let proxy = GroupKey("tcp_proxy", "a mapping, as of the filter tcp_proxy", "the same")

    static let keys: [any AnyKey] = [type, interface, proxy]
}

/// The keys of `weighted_clusters`.
enum EnvoyWeightedClusters: Section {
    static let path = "weighted_clusters"
    static let clusters = GroupKey(
        "clusters", "a list, each with \"name\" and \"weight\"", "`split` of a rule")

    static let keys: [any AnyKey] = [clusters]
}

/// The keys of one of them.
enum EnvoyWeightedCluster: Section {
    static let path = "weighted_clusters.clusters"
    static let name = RequiredKey("name", .clusterName, "`split` of a rule")
    static let weight = RequiredKey("weight", .count(1...65535), "`split` of a rule")

    static let keys: [any AnyKey] = [name, weight]
    static let refused = ["metadata_match": "make a cluster of the endpoints that are meant"]
}

/// The keys of one of `hash_policy`.
enum EnvoyHashPolicy: Section {
    static let path = "hash_policy"
    static let source = GroupKey(
        "source_ip", "an empty mapping", "`hash_key: source` of clusters that hash")

    static let keys: [any AnyKey] = [source]
    static let refused = ["filter_state": "write \"source_ip\""]
}
