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
        "Whether a header of the PROXY protocol tells the endpoints who their clients are.")
    static let endpoints = GroupKey(
        "endpoints", "a list of endpoints", "Each an address, or a mapping with its weight.")

    static var keys: [any AnyKey] { [connectTimeout, proxyProtocol, endpoints] }
}

/// The keys of one endpoint in its long form; the short form is the address alone.
enum EndpointSection: Section {
    static let path = "clusters.NAME.endpoints"
    static let address = RequiredKey("address", .endpointAddress, "Where it listens.")
    static let weight = ValueKey(
        "weight", .count(1...65535), standard: Defaults.weight,
        "Its share of new connections, relative to the others.")

    static var keys: [any AnyKey] { [address, weight] }
}

extension Configuration {
    /// Every key of the file by the path of its section, in the order of the reference.
    public static var reference: [(section: String, keys: [KeyReference])] {
        let sections: [any Section.Type] = [
            FileSection.self, ListenerSection.self, HelloSection.self, ClusterSection.self,
            EndpointSection.self, SourceSection.self, LimitsSection.self, LogSection.self,
        ]
        return sections.map { ($0.path, $0.keys.map(\.reference)) }
    }
}
