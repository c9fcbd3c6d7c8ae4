// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

/// The keys of one cluster in its long form; the short form is the list of endpoints alone.
enum ClusterSection: Section {
    static let path = "clusters.NAME"
    static let connectTimeout = ValueKey(
        "connect_timeout", .duration(.milliseconds(10)...(.seconds(600))),
        standard: Defaults.connectTimeout,
        "How long an endpoint may take to answer before the next one is tried.")
    static let proxyProtocol = ValueKey(
        "proxy_protocol", .choice, standard: Defaults.proxyProtocol,
        "Whether a header of the PROXY protocol tells the endpoints who their clients are; one of nobody "
            + "is in front of what checks say.")
    static let proxyTLVs = ListKey(
        "proxy_tlvs", .proxyTLV, standard: "none",
        "What such a header of version 2 tells beside addresses, in this order.")
    static let transparent = ValueKey(
        "transparent", .onOff, standard: Defaults.isTransparent,
        "Whether endpoints see the client's own address and port. They must answer by way of us.")
    static let balance = ValueKey(
        "balance", .choice, standard: Defaults.balance.policy,
        "How an endpoint is chosen for a connection.")
    static let hashKey = ValueKey(
        "hash_key", .choice, standard: Defaults.balance.hashKey,
        "What of a client is hashed by maglev and ring: its address, address and port, or SNI.")
    static let tableSize = ValueKey(
        "table_size", .prime(Balance.largestTable), standard: Defaults.balance.tableSize,
        "Slots of the table of maglev and source_hash, not fewer than endpoints.")
    static let loadFactor = ValueKey(
        "load_factor", .percent(101...1000, example: 125), standard: Defaults.balance.loadFactor,
        "The most connections of an endpoint of the ring, of its fair share.")
    static let slowStart = ValueKey(
        "slow_start", .duration(.seconds(1)...(.seconds(3600)), or: "off"), standard: nil,
        "How long the share of an endpoint that came back rises.")
    static let panicThreshold = ValueKey(
        "panic_threshold", .percent(0...100, example: 50),
        standard: Defaults.balance.panicThreshold,
        "How much of a priority level must be healthy for it to serve. When no level is, all do.")
    static let health = GroupKey(
        "health", "a mapping", "How endpoints are asked whether they are well; without it, never.")
    static let ejection = GroupKey(
        "ejection", "a mapping",
        "When connects that fail take an endpoint out; without it, never.")
    static let onDown = ValueKey(
        "on_down", .choice, standard: Defaults.onDown,
        "What becomes of the connections of an endpoint that checks found down.")
    static let whenEmpty = ValueKey(
        "when_empty", .emptyChoice, standard: .tryAll,
        "What becomes of clients when no endpoint is well. try_all disregards health then.")
    static let maxConnections = Bounds.maxConnections("The most connections.")
    static let endpoints = GroupKey(
        "endpoints", "a list of endpoints",
        "1 to \(Cluster.endpointLimit), each an address, or a mapping with its weight and priority. "
            + "This, endpoints_file or endpoints_dns must be there.",
        shape: .list(
            [.scalar(Form.endpointAddress.shape), .section(EndpointSection.path)],
            most: Cluster.endpointLimit))
    static let endpointsFile = ValueKey(
        "endpoints_file", Form.filePath.orAbsent("none"), standard: nil,
        "In place of endpoints a file of them, one a line: an address, and perhaps weight=N and "
            + "priority=N; # begins a comment. A change is followed at once.")
    static let endpointsDNS = ListKey(
        "endpoints_dns", .endpointName, standard: "none",
        "In place of endpoints names: all their addresses, looked up again as their TTL says.")

    static var keys: [any AnyKey] {
        [
            connectTimeout, proxyProtocol, proxyTLVs, transparent, balance, hashKey, tableSize,
            loadFactor, slowStart, panicThreshold, health, ejection, onDown, whenEmpty,
            maxConnections, endpoints, endpointsFile, endpointsDNS,
        ]
    }
}

/// The keys of one endpoint in its long form; the short form is the address alone.
enum EndpointSection: Section {
    static let path = "clusters.NAME.endpoints"
    static let address = RequiredKey("address", .endpointAddress, "Where it listens.")
    static let weight = ValueKey(
        "weight", .count(0...65535), standard: Defaults.weight,
        "Its share of new connections, relative to the others; 0: none.")
    static let priority = ValueKey(
        "priority", .count(0...255), standard: Defaults.priority,
        "Its level: higher numbers serve only when all lower ones cannot.")
    static let maxConnections = Bounds.maxConnections(
        "The most connections of its address; past that, others get its clients.")

    static var keys: [any AnyKey] { [address, weight, priority, maxConnections] }
}

extension Configuration {
    /// Every section of the file, in the order of the reference.
    static var sections: [any Section.Type] {
        [
            FileSection.self, ListenerSection.self, RuleSection.self, HelloSection.self,
            ClusterSection.self, HealthSection.self, EjectionSection.self,
            EndpointSection.self, SourceSection.self, LimitsSection.self, AccessSection.self,
            PerSourceSection.self, LogSection.self,
        ]
    }

    /// Every key of the file by the path of its section, in the order of the reference.
    public static var reference: [(section: String, keys: [KeyReference])] {
        sections.map { ($0.path, $0.keys.map(\.reference)) }
    }
}
