// SPDX-License-Identifier: Apache-2.0

/// The keys of `circuit_breakers`.
enum EnvoyBreakers: Section {
    static let path = "circuit_breakers"
    static let thresholds = GroupKey(
        "thresholds", "a list of one mapping with \"max_connections\"", "`max_connections`")

    static let keys: [any AnyKey] = [thresholds]
    static let refused = [
        "per_host_thresholds":
            "leave it out; endpoints of sluice's own form have \"max_connections\""
    ]
}

/// The keys of one of `thresholds`.
enum EnvoyThresholds: Section {
    static let path = "circuit_breakers.thresholds"
    static let maxConnections = ValueKey(
        "max_connections", Form.count(1...4_294_967_295).orAbsent("unlimited"), standard: nil,
        "`max_connections`; above \(largest) unlimited, and without it, too, where Envoy has 1024")
    static let priority = ValueKey(
        "priority", .choice, standard: EnvoyPriority.standard,
        "nothing: it is DEFAULT, as of all connections of tcp_proxy")

    /// What our own key takes.
    static let largest = 16_777_216

    static let keys: [any AnyKey] = [maxConnections, priority]
    static let ignored = ["track_remaining"]
    static let refused = [
        "max_connection_pools": "sluice has no pools, so leave it out",
        "max_pending_requests": "no connection waits for another one, so leave it out",
        "max_requests": "sluice counts no requests, so leave it out",
        "max_retries": "each endpoint of the cluster is asked once, so leave it out",
        "retry_budget": "each endpoint of the cluster is asked once, so leave it out",
    ]
}

/// `priority` of thresholds.
enum EnvoyPriority: String, CaseIterable, Sendable {
    case standard = "DEFAULT"
}

/// The keys of one of `access_log`, beside those of whatever is named and typed.
enum EnvoyAccessLog: Section {
    static let path = "access_log"
    static let name = EnvoyExtension.name
    static let config = EnvoyExtension.config

    static let keys: [any AnyKey] = [name, config]
    static let refused = ["filter": "sluice logs all connections, so leave it out"]
}

/// The keys of the access loggers of files, standard output and standard error.
enum EnvoyLogger: Section {
    static let path = "access_log.typed_config"
    static let type = ValueKey(
        "@type", Form.text("a type").orAbsent("that of the name"), standard: nil,
        "FileAccessLog, StdoutAccessLog or StderrAccessLog")
    static let file = ValueKey(
        "path",
        Form(
            accepted: "the absolute path of a file",
            parse: { $0.hasPrefix("/") && !$0.hasSuffix("/") ? $0 : nil }, show: { $0 }
        ).orAbsent("none"), standard: nil,
        "`log.connections`; `/dev/stdout` and `/dev/stderr` are `stdout` and `stderr`")

    static let keys: [any AnyKey] = [type, file]
    static let refused = Dictionary(
        uniqueKeysWithValues: ["format", "json_format", "log_format", "typed_json_format"].map {
            ($0, "lines are JSON with keys of sluice's own, so leave it out")
        })
}
