// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Yams

/// What a filter says that we have at its clusters.
extension EnvoyReader {
    /// Whether the filter hashes its clients' addresses.
    func hashesSource(_ section: SectionReader<EnvoyTCPProxy>) -> Bool {
        guard section.entry(EnvoyTCPProxy.hashPolicy) != nil else { return false }
        let entries = items(section, EnvoyTCPProxy.hashPolicy)
        for entry in entries {
            let policy = SectionReader<EnvoyHashPolicy>(reader, entry, title: "\"hash_policy\"")
            _ = policy?.requiredEntry(EnvoyHashPolicy.source)
        }
        return !entries.isEmpty
    }

    /// Keeps for the cluster what the filter hashes; all filters that lead to it must agree.
    func note(
        _ hashes: Bool, of index: Int, _ section: SectionReader<EnvoyTCPProxy>, _ entry: Entry
    ) {
        let cluster = clusters[index]
        guard cluster.balance.isHashing else { return }
        let position = section.entry(EnvoyTCPProxy.hashPolicy)?.position ?? entry.position
        guard let first = cluster.hashesSource else {
            clusters[index].hashesSource = (hashes, position)
            return
        }
        guard first.is != hashes else { return }
        let words = hashes ? ("with", "without") : ("without", "with")
        report(
            position,
            "cluster \(quoted(cluster.name.text)) is reached \(words.0) \"hash_policy\" here and "
                + "\(words.1) it in line \(first.position.line); write the same in both")
    }

    /// Says where more endpoints are asked than the file allows.
    func checkAttempts(_ section: SectionReader<EnvoyTCPProxy>, _ cluster: EnvoyCluster) {
        guard let attempts = section.value(EnvoyTCPProxy.attempts),
            let entry = section.entry(EnvoyTCPProxy.attempts), attempts < cluster.endpoints.count
        else { return }
        warn(
            entry.valuePosition,
            "\"max_connect_attempts\" is \(attempts), but each of the \(cluster.endpoints.count) "
                + "endpoints of cluster \(quoted(cluster.name.text)) is asked before a client is "
                + "turned away")
    }
}
