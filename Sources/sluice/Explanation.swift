// SPDX-License-Identifier: Apache-2.0

import Balancing
import Settings
import TLSClassifier
import WireTypes

/// What a listener would do with a client.
struct Explanation: Encodable {
    /// A cluster that the client may go to.
    struct Candidate: Encodable {
        let cluster: String
        /// Percent of the clients of this route.
        let share: Double
        let balance: String
        let endpoints: [Place]
    }

    /// An endpoint of it.
    struct Place: Encodable {
        let address: String
        let weight: Int
        let priority: Int
        /// Whether it is the one for this client, as far as the configuration alone can say.
        let isChosen: Bool

        private enum CodingKeys: String, CodingKey {
            case address, weight, priority
            case isChosen = "chosen"
        }
    }

    let listener: String
    /// The rule as it would be written, or `default` or `non_tls`; nil: there is none.
    let rule: String?
    /// How the client is turned away; nil: it is not.
    let reject: String?
    /// The list that keeps it from connecting at all; nil: none does.
    let denied: String?
    let clusters: [Candidate]

    init(_ configuration: Configuration, _ listener: Listener, _ client: ExplainedClient) {
        self.listener = listener.name
        let source = client.source?.address ?? .anyIPv4
        // Elsewhere nobody looks whether it is TLS.
        let isSniffed = listener.mode == .tls
        let hello = isSniffed ? client.hello : nil
        let query = hello.map { RouteQuery($0, from: source) }
        let asked = query ?? RouteQuery(notTLSFrom: source)
        let isOther = isSniffed && query == nil
        var indices: [(cluster: Int, share: Double)] = []
        var policy: RejectPolicy?
        if let match = listener.routes.match(asked) {
            let route = listener.routes[match.id]
            rule = configuration.text(of: route).shortened
            switch route.action {
            case .cluster(let index): indices = [(index, 100)]
            case .derived: indices = match.derived.map { [($0, 100)] } ?? []
            case .reject(let how): policy = how
            case .split(let split):
                let sum = Double(split.shares.reduce(0) { $0 + $1.weight })
                indices = split.shares.map { ($0.cluster, 100 * Double($0.weight) / sum) }
                if split.isSticky, client.source != nil {
                    indices = [(split.cluster(for: source), 100)]
                }
            }
        } else if let standard = isOther ? listener.nonTLSCluster : listener.defaultCluster {
            rule = isOther ? "non_tls" : "default"
            indices = [(standard, 100)]
        } else {
            rule = nil
            policy = listener.reject
        }
        reject = policy.map { query == nil ? $0.withoutTLS : $0 }?.rawValue
        denied = (client.proxy ?? client.source?.address).flatMap {
            AccessTable(configuration.limits.access).admits($0)
                ? AccessTable(listener.access).admits($0) ? nil : "access of the listener"
                : "access of limits"
        }
        clusters = indices.map { index, share in
            let cluster = configuration.clusters[index]
            let key = client.key(for: cluster.balance.hashKey, hello?.serverName)
            return Candidate(cluster, share, key)
        }
    }

    /// For people.
    var text: String {
        var lines = ["listener  \(listener)", "rule      \(rule ?? "none")"]
        if let denied { lines.append("denied    by \(denied)") }
        if let reject { lines.append("reject    \(reject)") }
        for candidate in clusters {
            let share = candidate.share == 100 ? "" : ", \(candidate.share.formatted) % of clients"
            lines.append("cluster   \(candidate.cluster) (\(candidate.balance)\(share))")
            for place in candidate.endpoints {
                let level = place.priority > 0 ? " priority \(place.priority)" : ""
                let chosen = place.isChosen ? "  ← this client's" : ""
                lines.append("  \(place.address) weight \(place.weight)\(level)\(chosen)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Explanation.Candidate {
    fileprivate init(_ cluster: Cluster, _ share: Double, _ client: ClientKey?) {
        self.cluster = cluster.name
        self.share = share
        balance = cluster.balance.policy.rawValue
        var chosen: Int?
        // Other policies depend on what happened before.
        if let client, cluster.balance.policy.isHashing, !cluster.endpoints.isEmpty {
            var picker = Picker(
                cluster.endpoints, loads: cluster.endpoints.map { _ in EndpointLoad() },
                balance: cluster.balance)
            chosen = picker.pick(for: client, now: 0)
        }
        var endpoints = cluster.endpoints.enumerated().map { index, endpoint in
            Explanation.Place(
                address: endpoint.address.description, weight: endpoint.weight,
                priority: endpoint.priority, isChosen: index == chosen)
        }
        // Nobody is asked here.
        endpoints += cluster.names.map { name in
            Explanation.Place(
                address: name.description, weight: 1, priority: 0, isChosen: false)
        }
        self.endpoints = endpoints
    }
}

extension ExplainedClient {
    /// What endpoints are picked by; nil: that was not told.
    fileprivate func key(for hashKey: HashKey, _ serverName: ServerName?) -> ClientKey? {
        let isTold =
            switch hashKey {
            case .source: source != nil
            case .sourcePort: source.map { $0.port != 0 } ?? false
            case .serverName: source != nil || serverName != nil
            }
        guard isTold else { return nil }
        return ClientKey(
            source: source ?? TransportAddress(.anyIPv4, 0), serverName: serverName)
    }
}

extension String {
    /// A list of sources may be very long.
    var shortened: String { count > 400 ? prefix(400) + " …}" : self }
}

extension Double {
    /// Two digits behind the point at most.
    fileprivate var formatted: String {
        let hundredths = Int((self * 100).rounded())
        return hundredths % 100 == 0 ? "\(hundredths / 100)" : "\(Double(hundredths) / 100)"
    }
}
