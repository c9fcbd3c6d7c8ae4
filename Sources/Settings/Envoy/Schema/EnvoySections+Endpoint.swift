// SPDX-License-Identifier: Apache-2.0

/// The keys of `load_assignment`.
enum EnvoyAssignment: Section {
    static let path = "load_assignment"
    static let endpoints = GroupKey(
        "endpoints", "a list of groups, each with \"lb_endpoints\"", "`endpoints`")

    static let keys: [any AnyKey] = [endpoints]
    static let ignored = ["cluster_name"]
    static let refused = [
        "policy": "leave it out", "named_endpoints": "write them in \"lb_endpoints\"",
    ]
}

/// The keys of a group of endpoints.
enum EnvoyLocality: Section {
    static let path = "load_assignment.endpoints"
    static let members = GroupKey("lb_endpoints", "a list of endpoints", "`endpoints`")
    static let priority = ValueKey(
        "priority", .count(0...128), standard: Defaults.priority, "`priority` of its endpoints")

    static let keys: [any AnyKey] = [members, priority]
    // Without locality_weighted_lb_config, which is refused, Envoy does not look at them either.
    static let ignored = ["locality", "load_balancing_weight", "metadata"]
    static let refused = [
        "proximity": "leave it out",
        "load_balancer_endpoints": "write \"lb_endpoints\"",
        "leds_cluster_locality_config": "write \"lb_endpoints\"",
    ]
}

/// The keys of one of `lb_endpoints`.
enum EnvoyMember: Section {
    static let path = "lb_endpoints"
    static let endpoint = GroupKey("endpoint", "a mapping with \"address\"", "`address`")
    static let weight = ValueKey(
        "load_balancing_weight", .count(1...65535), standard: Defaults.weight, "`weight`")

    static let keys: [any AnyKey] = [endpoint, weight]
    static let ignored = ["metadata"]
    static let refused = [
        "endpoint_name": "write \"endpoint\"",
        "health_status": "leave it out, or leave the endpoint out",
    ]
}

/// The keys of `endpoint`.
enum EnvoyEndpoint: Section {
    static let path = "endpoint"
    static let address = GroupKey("address", "a mapping with \"socket_address\"", "`address`")

    static let keys: [any AnyKey] = [address]
    static let ignored = ["hostname"]
    static let refused = [
        "additional_addresses": "write each as an endpoint of its own",
        "health_check_config": "leave it out",
    ]
}

/// The keys of the transport socket `upstream_proxy_protocol`.
enum EnvoyProxySocket: Section {
    static let path = "upstream_proxy_protocol"
    static let type = ValueKey(
        "@type", Form.text("a type").orAbsent("that of the name"), standard: nil,
        "ProxyProtocolUpstreamTransport")
    static let config = GroupKey("config", "a mapping with \"version\"", "`proxy_protocol`")
    static let inner = GroupKey(
        "transport_socket", "envoy.transport_sockets.raw_buffer", "nothing: TCP is inside")

    static let keys: [any AnyKey] = [type, config, inner]
    static let refused = [
        "allow_unspecified_address": "leave it out",
        "tlv_as_pool_key": "leave it out",
    ]
}

/// The keys of its `config`.
enum EnvoyProxyConfig: Section {
    static let path = "upstream_proxy_protocol.config"
    static let version = ValueKey(
        "version", .choice, standard: EnvoyProxyVersion.first, "`proxy_protocol`: v1 or v2")

    static let keys: [any AnyKey] = [version]
    static let refused = [
        "pass_through_tlvs": "leave it out", "added_tlvs": "leave it out",
    ]
}

/// The keys of the transport socket `raw_buffer`.
enum EnvoyRawBuffer: Section {
    static let path = "raw_buffer"
    static let type = ValueKey(
        "@type", Form.text("a type").orAbsent("that of the name"), standard: nil, "RawBuffer")

    static let keys: [any AnyKey] = [type]
}
