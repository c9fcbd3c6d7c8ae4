// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Yams

/// A bootstrap of Envoy as a document of our own shape, whose nodes stand where they came from.
struct EnvoyTranslation {
    let document: Document
    /// What is not wrong and may not be meant.
    let warnings: [ConfigurationError]

    /// Whether there is something to translate.
    static func isNeeded(_ document: Document) -> Bool { EnvoyReader.reads(document) }

    /// - Throws: everything in it that is wrong, or has no counterpart here.
    init(_ document: Document) throws(ConfigurationErrors) {
        let reader = EnvoyReader(document)
        reader.read()
        let mark = document.root.mark
        let listeners = reader.listeners.map { ($0.name.text, Self.listener($0, reader)) }
        let clusters = reader.clusters.map { ($0.name.text, Self.cluster($0)) }
        guard reader.reader.errors.isEmpty else {
            throw ConfigurationErrors(reader.reader.errors)
        }
        var pairs: [(String, Node)] = []
        if !reader.interfaces.isEmpty {
            let indices = reader.interfaces.map { Node.plain($0) }
            pairs.append((FileSection.interfaceIndex.name, .sequence(indices, mark)))
        }
        pairs.append((FileSection.listeners.name, .mapping(listeners, mark)))
        pairs.append((FileSection.clusters.name, .mapping(clusters, mark)))
        pairs.append((FileSection.limits.name, .mapping(Self.limits(reader, mark), mark)))
        if let log = reader.accessLog {
            let connections = (LogSection.connections.name, Node.scalar(log.place))
            pairs.append((FileSection.log.name, .mapping([connections], log.place.mark)))
        }
        self.document = Document(document, root: .mapping(pairs, mark))
        warnings = reader.warnings
    }

    private static func listener(_ listener: EnvoyListener, _ reader: EnvoyReader) -> Node {
        let mark = listener.name.mark
        let matching = EnvoyMatching(listener.chains)
        let routes = EnvoyRoutes(listener, matching)
        let chains = listener.chains
        for (earlier, later) in matching.repetitions {
            reader.report(
                chains[later].position,
                "this filter chain takes the same clients as the one in line "
                    + "\(chains[earlier].position.line); write one of them")
        }
        for index in routes.unreachable {
            reader.warn(
                chains[index].position,
                "no client gets to this filter chain: another one names the same and a "
                    + "\"transport_protocol\" besides")
        }
        var hello = [
            (HelloSection.timeout.name, text(durationText(listener.helloTimeout), mark))
        ]
        if let size = listener.largestHello {
            hello.append((HelloSection.maxSize.name, text("\(size)", mark)))
        }
        let addresses = listener.addresses.map { Node.scalar($0) }
        return .mapping(
            [(ListenerSection.addresses.name, .sequence(addresses, mark))] + routes.pairs
                + [(ListenerSection.hello.name, .mapping(hello, mark))], mark)
    }

    private static func cluster(_ cluster: EnvoyCluster) -> Node {
        let mark = cluster.name.mark
        var pairs = cluster.values.map { ($0.key, Node.scalar($0.value)) }
        if cluster.balance.isHashing {
            // Without a hash policy Envoy hashes a random number.
            let key = cluster.hashesSource?.is == true ? HashKey.source : .sourcePort
            pairs.append((ClusterSection.hashKey.name, text(key.rawValue, mark)))
        }
        for (name, values) in [
            (ClusterSection.health.name, cluster.health),
            (ClusterSection.ejection.name, cluster.ejection),
        ] where !values.isEmpty {
            pairs.append((name, .mapping(values.map { ($0.key, Node.scalar($0.value)) }, mark)))
        }
        if !cluster.names.isEmpty {
            let names = cluster.names.map { Node.scalar($0) }
            pairs.append((ClusterSection.endpointsDNS.name, .sequence(names, mark)))
            return .mapping(pairs, mark)
        }
        let endpoints = cluster.endpoints.map { endpoint in
            Node.mapping(
                [
                    (EndpointSection.address.name, .scalar(endpoint.address)),
                    (EndpointSection.weight.name, text("\(endpoint.weight)", mark)),
                    (EndpointSection.priority.name, text("\(endpoint.priority)", mark)),
                ], endpoint.address.mark)
        }
        pairs.append((ClusterSection.endpoints.name, .sequence(endpoints, mark)))
        return .mapping(pairs, mark)
    }

    private static func limits(_ reader: EnvoyReader, _ mark: Mark?) -> [(String, Node)] {
        // Our longest time stands in for none at all.
        let idle = reader.idleTimeout.value ?? .seconds(365 * 24 * 3600)
        var pairs = [
            (LimitsSection.idleTimeout.name, text(durationText(idle), mark)),
            (LimitsSection.idleProbe.name, text(Form.onOff.show(false), mark)),
        ]
        if let lifetime = reader.lifetime.value {
            pairs.append((LimitsSection.maxLifetime.name, text(durationText(lifetime), mark)))
        }
        return pairs
    }

    private static func text(_ text: String, _ mark: Mark?) -> Node {
        .scalar(EnvoyText(text, mark))
    }
}
