// SPDX-License-Identifier: Apache-2.0

internal import Yams

extension EnvoyReader {
    private static let proxyType =
        "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"

    /// Where a network filter sends its clients; nil when that is wrong, which is reported.
    func target(_ entry: Entry) -> EnvoyTarget? {
        guard let filter = typed(entry, title: "a network filter") else { return nil }
        let isTyped = filter.type != nil
        switch filter.type ?? filter.lastWord {
        case "TcpProxy": return filter.config.flatMap { proxy($0) }
        case "EbpfTcpProxy", "EbpfTcpProxyXDP", "EbpfTcpProxySKB":
            return filter.config.flatMap { kernelProxy($0) }
        case let word where !isTyped && word.hasSuffix("tcp_proxy"):
            reportMissingType(filter)
        default:
            let type = filter.type.map { " of type \(quoted($0))" } ?? ""
            report(
                filter.position,
                "the network filter \(quoted(filter.name))\(type) is not supported; write "
                    + "envoy.filters.network.tcp_proxy or ebpf_tcp_proxy")
        }
        return nil
    }

    private func reportMissingType(_ filter: EnvoyTyped) {
        guard let config = filter.config else {
            return report(
                filter.position,
                "\"typed_config\" is missing in \(quoted(filter.name)); write a mapping that begins "
                    + "with \"@type\": \(Self.proxyType)")
        }
        report(
            config.position,
            "\"@type\" is missing in \"typed_config\"; write \(Self.proxyType)")
    }

    private func kernelProxy(_ entry: Entry) -> EnvoyTarget? {
        guard let section = SectionReader<EnvoyEBPFProxy>(reader, entry, title: "ebpf_tcp_proxy")
        else { return nil }
        if let interface = section.value(EnvoyEBPFProxy.interface),
            !interfaces.contains(where: { $0.text == "\(interface)" })
        {
            interfaces.append(
                EnvoyText(
                    "\(interface)", section.entry(EnvoyEBPFProxy.interface)?.value.mark))
        }
        return section.requiredEntry(EnvoyEBPFProxy.proxy).flatMap { proxy($0) }
    }

    private func proxy(_ entry: Entry) -> EnvoyTarget? {
        guard let section = SectionReader<EnvoyTCPProxy>(reader, entry, title: "tcp_proxy")
        else { return nil }
        idleTimeout.add(
            section.value(EnvoyTCPProxy.idleTimeout),
            section.entry(EnvoyTCPProxy.idleTimeout)?.valuePosition ?? entry.position,
            isWritten: section.entry(EnvoyTCPProxy.idleTimeout) != nil)
        lifetime.add(
            section.value(EnvoyTCPProxy.lifetime),
            section.entry(EnvoyTCPProxy.lifetime)?.valuePosition ?? entry.position,
            isWritten: section.entry(EnvoyTCPProxy.lifetime) != nil)
        readAccessLog(section, entry)
        let hashes = hashesSource(section)
        guard let target = target(section, entry) else { return nil }
        for name in target.clusters {
            guard let index = clusterIndices?[name] else { continue }
            checkAttempts(section, clusters[index])
            note(hashes, of: index, section, entry)
        }
        return target
    }

    private func target(_ section: SectionReader<EnvoyTCPProxy>, _ entry: Entry) -> EnvoyTarget? {
        let given = [EnvoyTCPProxy.cluster.name, EnvoyTCPProxy.weighted.name]
            .filter { section.mentions(named: $0) }
        guard given.count == 1 else {
            let found = given.isEmpty ? "neither" : "both"
            report(
                entry.position,
                "tcp_proxy has \(found) of \"cluster\" and \"weighted_clusters\"; write one")
            return nil
        }
        if let name = section.value(EnvoyTCPProxy.cluster),
            let entry = section.entry(EnvoyTCPProxy.cluster)
        {
            return isCluster(name, "\"cluster\"", entry.valuePosition)
                ? .cluster(EnvoyText(name, entry.value.mark)) : nil
        }
        guard section.entry(EnvoyTCPProxy.weighted) != nil,
            let group = group(section, EnvoyTCPProxy.weighted, EnvoyWeightedClusters.self)
        else { return nil }
        let shares = items(group, EnvoyWeightedClusters.clusters).compactMap { share($0) }
        return shares.isEmpty ? nil : .split(shares)
    }

    private func share(_ entry: Entry) -> (cluster: EnvoyText, weight: Int)? {
        guard
            let section = SectionReader<EnvoyWeightedCluster>(
                reader, entry, title: "a weighted cluster"),
            let name = section.required(EnvoyWeightedCluster.name),
            let weight = section.required(EnvoyWeightedCluster.weight),
            isCluster(name.value, "\"weighted_clusters\"", name.position)
        else { return nil }
        let mark = section.entry(EnvoyWeightedCluster.name)?.value.mark
        return (EnvoyText(name.value, mark), weight.value)
    }

    /// Whether there is such a cluster; if not, that is reported.
    private func isCluster(_ name: String, _ subject: String, _ position: Position) -> Bool {
        guard let indices = clusterIndices, indices[name] == nil else { return true }
        let names = clusters.map(\.name.text)
        let advice =
            suggestion(for: name, among: names).map { "did you mean \"\($0)\"?" }
            ?? "there are: " + names.prefix(8).joined(separator: ", ")
            + (names.count > 8 ? ", …" : "")
        report(
            position,
            "\(subject) goes to cluster \(quoted(name)), which does not exist; \(advice)")
        return false
    }
}
