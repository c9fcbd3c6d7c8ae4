// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Yams

extension ConfigurationReader {
    /// How the cluster's endpoints are asked; nil: not at all.
    func health(_ cluster: SectionReader<ClusterSection>) -> HealthCheck? {
        guard let group = cluster.entry(ClusterSection.health),
            let section = SectionReader<HealthSection>(self, group)
        else { return nil }
        var health = HealthCheck()
        health.kind = section.value(HealthSection.check)
        health.interval = section.value(HealthSection.interval)
        health.timeout = section.value(HealthSection.timeout)
        health.rise = section.value(HealthSection.rise)
        health.fall = section.value(HealthSection.fall)
        health.fastInterval = section.value(HealthSection.fastInterval)
        health.downInterval = section.value(HealthSection.downInterval)
        health.jitter = section.value(HealthSection.jitter)
        health.start = section.value(HealthSection.start)
        health.path = section.value(HealthSection.path_)
        health.status = section.value(HealthSection.status)
        health.serverName = section.value(HealthSection.serverName)
        health.send = section.value(HealthSection.send)
        health.expect = section.value(HealthSection.expect)
        reportForeign(section, health.kind)
        if health.kind == .send, health.expect.bytes.isEmpty {
            report(
                group.position,
                "\"check\" is \"send\", but nothing is expected; write \"expect\"")
        }
        return health
    }

    /// Keys that the kind of check has no use for.
    private func reportForeign(_ section: SectionReader<HealthSection>, _ kind: HealthCheck.Kind) {
        let owners: [(key: any AnyKey, kinds: [HealthCheck.Kind])] = [
            (HealthSection.path_, [.http]), (HealthSection.status, [.http]),
            (HealthSection.serverName, [.tls, .http]), (HealthSection.send, [.send]),
            (HealthSection.expect, [.send]),
        ]
        for (key, kinds) in owners where !kinds.contains(kind) {
            guard let entry = section.entry(key) else { continue }
            let wanted = alternatives(kinds.map(\.rawValue))
            report(
                entry.position,
                "\(quoted(entry.name)) is for \"check: \(wanted)\", and \"check\" is "
                    + "\"\(kind.rawValue)\"; leave it out")
        }
    }

    /// When failing connects take an endpoint of the cluster out; nil: never.
    func ejection(_ cluster: SectionReader<ClusterSection>) -> Ejection? {
        guard let group = cluster.entry(ClusterSection.ejection),
            let section = SectionReader<EjectionSection>(self, group)
        else { return nil }
        var ejection = Ejection()
        ejection.failures = section.value(EjectionSection.failures)
        ejection.base = section.value(EjectionSection.base)
        ejection.maxShare = section.value(EjectionSection.maxShare)
        return ejection
    }

    /// The clusters with what becomes of clients that find them empty, now that all names are known.
    func settleEmpty(_ read: inout ClustersRead, _ choices: [Int: (EmptyChoice, Entry)]) {
        for (index, (choice, entry)) in choices.sorted(by: { $0.key < $1.key }) {
            switch choice {
            case .tryAll: break
            case .reject(let how): read.all[index].whenEmpty = .reject(how)
            case .cluster(let name):
                let subject = "\(quoted(entry.name)) of cluster \(quoted(read.all[index].name))"
                guard
                    let other = clusterIndex(named: name, subject, entry.valuePosition, read)
                else { continue }
                read.all[index].whenEmpty = .cluster(other)
            }
            // With it nobody tries endpoints that are not well.
            read.all[index].balance.triesUnwell = read.all[index].whenEmpty == .tryAll
        }
        for (index, (_, entry)) in choices.sorted(by: { $0.key < $1.key })
        where leadsBack(index, read.all) {
            report(
                entry.valuePosition,
                "\(quoted(entry.name)) of cluster \(quoted(read.all[index].name)) leads back to it; "
                    + "write another cluster")
        }
    }

    private func leadsBack(_ start: Int, _ clusters: [Cluster]) -> Bool {
        var index = start
        for _ in clusters.indices {
            guard case .cluster(let next) = clusters[index].whenEmpty else { return false }
            if next == start { return true }
            index = next
        }
        return false
    }
}
