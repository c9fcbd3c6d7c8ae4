// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Yams

extension EnvoyReader {
    func readClusters(_ resources: SectionReader<EnvoyResources>) {
        let entries = items(resources, EnvoyResources.clusters)
        var indices: [String: Int] = [:]
        var lines: [String: Int] = [:]
        var areAllNamed = !entries.isEmpty
        for entry in entries {
            guard
                let section = SectionReader<EnvoyClusterSection>(
                    reader, entry, title: "a cluster"),
                let name = section.required(EnvoyClusterSection.name)
            else {
                areAllNamed = false
                continue
            }
            if let line = lines[name.value] {
                report(
                    name.position,
                    "cluster \(quoted(name.value)) is already in line \(line); write another name")
                continue
            }
            lines[name.value] = name.position.line
            indices[name.value] = clusters.count
            let mark = section.entry(EnvoyClusterSection.name)?.value.mark
            clusters.append(cluster(section, EnvoyText(name.value, mark)))
        }
        clusterIndices = areAllNamed ? indices : nil
    }

    private func cluster(
        _ section: SectionReader<EnvoyClusterSection>, _ name: EnvoyText
    ) -> EnvoyCluster {
        var cluster = EnvoyCluster(name: name)
        let timeout = section.value(EnvoyClusterSection.connectTimeout)
        cluster.values.append(
            (
                ClusterSection.connectTimeout.name,
                EnvoyText(
                    durationText(timeout),
                    section.entry(EnvoyClusterSection.connectTimeout)?.value.mark ?? name.mark)
            ))
        readBalance(section, &cluster)
        readProxyProtocol(section, &cluster)
        readEndpoints(section, &cluster)
        readBreakers(section, &cluster)
        readHealth(section, &cluster)
        return cluster
    }

    /// Of Envoy's circuit breakers the one that is about connections.
    private func readBreakers(
        _ section: SectionReader<EnvoyClusterSection>, _ cluster: inout EnvoyCluster
    ) {
        guard let entry = section.entry(EnvoyClusterSection.breakers),
            let breakers = SectionReader<EnvoyBreakers>(reader, entry)
        else { return }
        let all = items(breakers, EnvoyBreakers.thresholds)
        if all.count > 1 {
            report(all[1].position, "these are second thresholds, and one is all; leave them out")
        }
        guard let first = all.first,
            let thresholds = SectionReader<EnvoyThresholds>(
                reader, first, title: "\"thresholds\"")
        else { return }
        _ = thresholds.value(EnvoyThresholds.priority)
        // As many as anybody could have: that is how bounds are switched off there.
        guard let most = thresholds.value(EnvoyThresholds.maxConnections),
            most <= EnvoyThresholds.largest
        else { return }
        let mark = thresholds.entry(EnvoyThresholds.maxConnections)?.value.mark
        cluster.values.append((ClusterSection.maxConnections.name, EnvoyText("\(most)", mark)))
    }

    private func readBalance(
        _ section: SectionReader<EnvoyClusterSection>, _ cluster: inout EnvoyCluster
    ) {
        let policy = section.value(EnvoyClusterSection.policy)
        let mark = section.entry(EnvoyClusterSection.policy)?.value.mark ?? cluster.name.mark
        cluster.balance = policy.balance
        if policy == .random, let entry = section.entry(EnvoyClusterSection.policy) {
            warn(
                entry.valuePosition,
                "\"lb_policy\" RANDOM becomes random_of_two: of two endpoints at random the one "
                    + "with fewer connections")
        }
        var slowStart: Entry?
        if let group = tuning(
            section, EnvoyClusterSection.leastRequest, of: .leastRequest, policy)
        {
            let tuning = SectionReader<EnvoyLeastRequest>(reader, group)
            _ = tuning?.value(EnvoyLeastRequest.choices)
            if tuning?.value(EnvoyLeastRequest.method) == .fullScan {
                cluster.balance = .leastConnections
            }
            slowStart = tuning?.entry(EnvoyLeastRequest.slowStart)
        }
        if let group = tuning(section, EnvoyClusterSection.roundRobin, of: .roundRobin, policy) {
            slowStart = SectionReader<EnvoyRoundRobin>(reader, group)?
                .entry(EnvoyRoundRobin.slowStart)
        }
        cluster.values.append(
            (ClusterSection.balance.name, EnvoyText(cluster.balance.rawValue, mark)))
        if let group = tuning(section, EnvoyClusterSection.maglev, of: .maglev, policy),
            let tuning = SectionReader<EnvoyMaglev>(reader, group)
        {
            let size = tuning.value(EnvoyMaglev.tableSize)
            cluster.values.append(
                (ClusterSection.tableSize.name, EnvoyText("\(size)", group.value.mark)))
        }
        if policy == .ringHash {
            let factor = ClusterSection.loadFactor.form.show(EnvoyDefaults.loadFactor)
            cluster.values.append((ClusterSection.loadFactor.name, EnvoyText(factor, mark)))
        }
        if let slowStart { readSlowStart(slowStart, &cluster) }
    }

    /// The tuning of a policy; that of another policy is reported.
    private func tuning(
        _ section: SectionReader<EnvoyClusterSection>, _ key: GroupKey, of owner: EnvoyPolicy,
        _ policy: EnvoyPolicy
    ) -> Entry? {
        guard let entry = section.entry(key) else { return nil }
        if owner == policy { return entry }
        report(
            entry.position,
            "\(quoted(key.name)) is for \"lb_policy\" \(owner.rawValue), and this is "
                + "\(policy.rawValue); leave it out")
        return nil
    }

    private func readSlowStart(_ entry: Entry, _ cluster: inout EnvoyCluster) {
        guard
            let section = SectionReader<EnvoySlowStart>(
                reader, entry, title: "\"slow_start_config\""),
            let window = section.required(EnvoySlowStart.window)
        else { return }
        cluster.values.append(
            (
                ClusterSection.slowStart.name,
                EnvoyText(durationText(window.value), entry.value.mark)
            ))
    }
}
