// SPDX-License-Identifier: Apache-2.0

internal import Balancing

/// `type` of a cluster, as far as endpoints or their names stand in the file.
enum EnvoyDiscovery: String, CaseIterable, Sendable {
    case fixed = "STATIC"
    case strictDNS = "STRICT_DNS"
}

/// `dns_lookup_family` of a cluster.
enum EnvoyLookupFamily: String, CaseIterable, Sendable {
    case automatic = "AUTO"
    case all = "ALL"
    case onlyV4 = "V4_ONLY"
    case onlyV6 = "V6_ONLY"
    case preferredV4 = "V4_PREFERRED"
}

/// `lb_policy` of a cluster.
enum EnvoyPolicy: String, CaseIterable, Sendable {
    case roundRobin = "ROUND_ROBIN"
    case leastRequest = "LEAST_REQUEST"
    case random = "RANDOM"
    case ringHash = "RING_HASH"
    case maglev = "MAGLEV"

    /// Ours for it; Envoy's RANDOM has none, and two at random is what comes closest.
    var balance: BalancePolicy {
        switch self {
        case .roundRobin: .roundRobin
        case .leastRequest, .random: .randomOfTwo
        case .ringHash: .ring
        case .maglev: .maglev
        }
    }
}

/// `selection_method` of `least_request_lb_config`.
enum EnvoySelection: String, CaseIterable, Sendable {
    case choices = "N_CHOICES"
    case fullScan = "FULL_SCAN"
}

/// `transport_protocol` of a filter chain.
enum EnvoyTransport: String, CaseIterable, Sendable {
    case tls
    case rawBuffer = "raw_buffer"
}

/// `protocol` of an address.
enum EnvoySocketProtocol: String, CaseIterable, Sendable {
    case tcp = "TCP"
}

/// `version` of the PROXY protocol.
enum EnvoyProxyVersion: String, CaseIterable, Sendable {
    case first = "V1"
    case second = "V2"

    /// As `proxy_protocol` of a cluster.
    var word: String { rawValue.lowercased() }
}

/// Envoy's own defaults, which count where a file of its shape is silent.
enum EnvoyDefaults {
    static let connectTimeout = Duration.seconds(5)
    static let idleTimeout = Duration?.some(.seconds(3600))
    static let helloTimeout = Duration.seconds(15)
    /// Envoy's ring has no bound for an endpoint's share: the highest that ours takes.
    static let loadFactor = 1000
    /// Percent of the endpoints that must be well, else all are used.
    static let panicThreshold = Int?.some(50)
    /// Failures in a row that eject.
    static let failures = 5
    static let ejectionBase = Duration.seconds(30)
    static let longestEjection = Duration.seconds(300)
    /// Percent of the endpoints.
    static let ejectionShare = 10
}
