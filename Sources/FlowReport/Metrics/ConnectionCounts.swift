// SPDX-License-Identifier: Apache-2.0

public import Datapath
internal import WireTypes

/// How many connections stand, by what there is a bounded number of: no client and no server name.
public struct ConnectionCounts: Sendable, Equatable {
    private struct Place: Hashable {
        var listener: String
        var cluster: String
        var endpoint: TransportAddress
        var isRelayed: Bool
    }

    private var places: [Place: UInt64] = [:]
    private var reasons: [RelayReason: UInt64] = [:]

    /// No connection yet.
    public init() {}

    /// Counts one, unless it is over and only lingers.
    public mutating func count(_ flow: Flow) {
        if flow.state == .closed || flow.state == .reset { return }
        let place = Place(
            listener: flow.listener, cluster: flow.cluster, endpoint: flow.endpoint,
            isRelayed: flow.relayReason != nil)
        places[place, default: 0] += 1
        if let reason = flow.relayReason { reasons[reason, default: 0] += 1 }
    }

    /// As metrics of an instance.
    public func metrics(instance: String) -> [Metric] {
        let standing = places.map { place, count in
            var labels = [
                ("sluice", instance), ("listener", place.listener), ("cluster", place.cluster),
            ]
            // A relayed client's may not have accepted yet.
            if place.endpoint.port != 0 { labels.append(("endpoint", "\(place.endpoint)")) }
            labels.append(("mode", place.isRelayed ? "relayed" : "spliced"))
            return (labels, count)
        }
        return [
            Metric(
                "sluice_connections", .gauge,
                "Connections that stand or are about to, by where they go.",
                standing.sorted { $0.0.map(\.1).lexicographicallyPrecedes($1.0.map(\.1)) }
                    .map { Metric.Sample($0.0.map { (name: $0.0, value: $0.1) }, $0.1) }),
            Metric(
                "sluice_relayed_connections", .gauge,
                "Those that are relayed, by why they are not spliced.",
                RelayReason.allCases.compactMap { reason in
                    reasons[reason].map {
                        Metric.Sample([("sluice", instance), ("reason", reason.rawValue)], $0)
                    }
                }),
        ]
    }
}
