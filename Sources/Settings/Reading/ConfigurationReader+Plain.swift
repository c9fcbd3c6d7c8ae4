// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

/// What a listener of `mode: plain` cannot have, since no daemon sees its clients.
extension ConfigurationReader {
    func reportUnknownToKernel(
        _ section: SectionReader<ListenerSection>, _ entry: Entry, _ clusters: ClustersRead
    ) {
        let keys: [(any AnyKey, String, ListenerMode)] = [
            (ListenerSection.routes, "nobody reads server names", .tls),
            (ListenerSection.routesFile, "nobody reads server names", .tls),
            (ListenerSection.rules, "all clients go to \"default\"", .tcp),
            (ListenerSection.nonTLS, "all clients go to \"default\"", .tls),
            (ListenerSection.acceptProxy, "nobody reads PROXY headers", .tcp),
            (ListenerSection.hello, "nobody waits for a hello", .tls),
            (ListenerSection.maxConnections, "connections are counted, not bounded", .tcp),
        ]
        for (key, why, other) in keys {
            guard let found = section.entry(key), !found.value.isEmpty else { continue }
            report(
                found.position,
                "\"\(key.name)\" has no meaning with \"mode: plain\": \(why); leave it out, or "
                    + "write \"mode: \(other.rawValue)\"")
        }
        let key = ListenerSection.standard
        guard let found = section.entry(key), let index = cluster(section, key, clusters) else {
            return report(
                section.entry(key)?.valuePosition ?? entry.position,
                "listener \(quoted(entry.name)) with \"mode: plain\" has no cluster; write its "
                    + "\"default\"")
        }
        for (what, instead) in obstacles(clusters.all[index]) {
            report(
                found.valuePosition,
                "cluster \(quoted(clusters.all[index].name)) cannot serve a listener with "
                    + "\"mode: plain\": \(what); \(instead)")
        }
    }

    private func obstacles(_ cluster: Cluster) -> [(String, String)] {
        var found: [(String, String)] = []
        let balance = cluster.balance
        let isHashing = [.maglev, .sourceHash].contains(balance.policy)
        if !isHashing || balance.policy == .maglev && balance.hashKey == .serverName {
            found.append(
                (
                    "the kernel balances by a hash of the client",
                    "write \"balance: maglev\" with \"hash_key: source\" or \"source_port\", or "
                        + "\"balance: source_hash\""
                ))
        }
        if balance.tableSize > Balance.largestPlainTable {
            found.append(
                (
                    "its \"table_size\" is \(balance.tableSize)",
                    "write at most \(Balance.largestPlainTable)"
                ))
        }
        if cluster.endpoints.count > Cluster.plainLimit {
            found.append(
                (
                    "it has \(cluster.endpoints.count) endpoints",
                    "write at most \(Cluster.plainLimit)"
                ))
        }
        if cluster.proxyProtocol != .off {
            found.append(("a PROXY header would be in front", "write \"proxy_protocol: off\""))
        }
        if cluster.isTransparent {
            found.append(("clients' ports are not kept", "write \"transparent: off\""))
        }
        if cluster.maxConnections != nil || cluster.endpoints.contains(where: \.isBounded) {
            found.append(
                ("connections are counted, not bounded", "leave out \"max_connections\""))
        }
        switch cluster.whenEmpty {
        case .tryAll, .reject(.reset): break
        default:
            found.append(("its clients are reset when it is empty", "leave out \"when_empty\""))
        }
        return found
    }
}

extension Endpoint {
    fileprivate var isBounded: Bool { maxConnections != nil }
}
