// SPDX-License-Identifier: Apache-2.0

/// The keys of a bootstrap of Envoy.
enum EnvoyFile: Section {
    static let path = ""
    static let resources = GroupKey(
        "static_resources", "a mapping of listeners and clusters", "what follows")

    static let keys: [any AnyKey] = [resources]
    static let ignored = [
        "admin", "node", "flags_path", "stats_flush_interval", "stats_config",
    ]
    static let refused = [
        "dynamic_resources": "write what it would get under \"static_resources\"",
        "layered_runtime": "leave it out",
        "overload_manager": "leave it out; \"limits\" of sluice's own form bound what is kept",
        "cluster_manager": "leave it out",
        "stats_sinks": "leave it out; flowdump --counters has what is counted",
        "tracing": "leave it out",
        "bootstrap_extensions": "leave it out",
    ]
}

/// The keys of `static_resources`.
enum EnvoyResources: Section {
    static let path = "static_resources"
    static let listeners = GroupKey("listeners", "a list of listeners", "`listeners`")
    static let clusters = GroupKey("clusters", "a list of clusters", "`clusters`")

    static let keys: [any AnyKey] = [listeners, clusters]
    static let refused = ["secrets": "sluice terminates no TLS and needs none, so leave it out"]
}

/// The keys of `address`, wherever it stands.
enum EnvoyAddress: Section {
    static let path = "address"
    static let socket = GroupKey(
        "socket_address", "a mapping of \"address\" and \"port_value\"", "an address and port")

    static let keys: [any AnyKey] = [socket]
    static let refused = [
        "pipe": "sluice speaks TCP, so write \"socket_address\"",
        "envoy_internal_address": "write the \"socket_address\" of where it leads",
    ]
}

/// The keys of `socket_address`.
protocol EnvoySocketKeys: Section {}

extension EnvoySocketKeys {
    static var refused: [String: String] {
        [
            "named_port": "write the number, as \"port_value\"",
            "resolver_name": "leave it out; sluice's own form has \"resolver\" for all names",
            "ipv4_compat": "give the IPv4 address a listener of its own",
            "network_namespace_filepath": "start sluice in that namespace",
        ]
    }
}

/// `socket_address` of a listener.
enum EnvoyListenerSocket: EnvoySocketKeys {
    static let path = "listener.address.socket_address"
    static let address = RequiredKey("address", .envoyListenerAddress, "`address`")
    static let port = RequiredKey("port_value", .count(1...65535), "`address`")
    static let transport = ValueKey(
        "protocol", .choice, standard: EnvoySocketProtocol.tcp, "nothing: it is TCP")

    static let keys: [any AnyKey] = [address, port, transport]
}

/// `socket_address` of an endpoint.
enum EnvoyEndpointSocket: EnvoySocketKeys {
    static let path = "endpoint.address.socket_address"
    static let address = RequiredKey(
        "address", .envoyEndpointHost, "`address`, or a name of `endpoints_dns`")
    static let port = RequiredKey("port_value", .count(1...65535), "`address`")
    static let transport = ValueKey(
        "protocol", .choice, standard: EnvoySocketProtocol.tcp, "nothing: it is TCP")

    static let keys: [any AnyKey] = [address, port, transport]
}

/// The keys of whatever is named and typed: filters, listener filters, transport sockets.
enum EnvoyExtension: Section {
    static let path = "filters, listener_filters, transport_socket"
    static let name = RequiredKey("name", .text("its name"), "nothing: the type decides")
    static let config = GroupKey(
        "typed_config", "a mapping that begins with \"@type\"", "what its type says")

    static let keys: [any AnyKey] = [name, config]
    static let refused = [
        "config_discovery": "write \"typed_config\" here",
        "filter_disabled": "leave it out",
        "is_optional": "leave it out",
    ]
}
