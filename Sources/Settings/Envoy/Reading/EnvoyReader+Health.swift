// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes
internal import Yams

extension EnvoyReader {
    /// What Envoy knows of its endpoints' health: checks, ejections, and how far both count.
    func readHealth(
        _ section: SectionReader<EnvoyClusterSection>, _ cluster: inout EnvoyCluster
    ) {
        let checks = section.entry(EnvoyClusterSection.healthChecks)
        if checks != nil { readCheck(section, &cluster) }
        let outliers = section.entry(EnvoyClusterSection.outliers)
        if let outliers { readOutliers(outliers, isChecked: checks != nil, &cluster) }
        // Envoy's own default, which says nothing where all are always well.
        var panic = outliers != nil || checks != nil ? EnvoyDefaults.panicThreshold : nil
        let mark = (outliers ?? checks)?.value.mark ?? cluster.name.mark
        if let common = section.entry(EnvoyClusterSection.common),
            let settings = SectionReader<EnvoyCommonBalance>(reader, common),
            let threshold = settings.entry(EnvoyCommonBalance.panic),
            let percent = SectionReader<EnvoyPercent>(reader, threshold)
        {
            panic = percent.value(EnvoyPercent.value)
        }
        if let panic {
            cluster.values.append(
                (ClusterSection.panicThreshold.name, EnvoyText("\(panic)%", mark)))
        }
        if let entry = section.entry(EnvoyClusterSection.closesConnections) {
            let action: DownAction =
                section.value(EnvoyClusterSection.closesConnections) ? .reset : .keep
            cluster.values.append(
                (ClusterSection.onDown.name, EnvoyText(action.rawValue, entry.value.mark)))
        }
    }

    private func readCheck(
        _ section: SectionReader<EnvoyClusterSection>, _ cluster: inout EnvoyCluster
    ) {
        let entries = items(section, EnvoyClusterSection.healthChecks)
        if entries.count > 1 {
            report(
                entries[1].position, "this is a second health check, and one is all; leave it out")
        }
        guard let entry = entries.first,
            let check = SectionReader<EnvoyHealthCheck>(reader, entry, title: "a health check")
        else { return }
        let mark = entry.value.mark
        var health: [(key: String, value: EnvoyText)] = [
            (HealthSection.start.name, EnvoyText(HealthCheck.Start.waitForFirst.rawValue, mark)),
            (
                HealthSection.jitter.name,
                EnvoyText("\(check.value(EnvoyHealthCheck.jitter))%", mark)
            ),
        ]
        for (key, name) in [
            (EnvoyHealthCheck.interval, HealthSection.interval.name),
            (EnvoyHealthCheck.timeout, HealthSection.timeout.name),
        ] {
            guard let value = check.required(key)?.value else { continue }
            health.append((name, EnvoyText(durationText(value), check.entry(key)?.value.mark)))
        }
        for (key, name) in [
            (EnvoyHealthCheck.healthyThreshold, HealthSection.rise.name),
            (EnvoyHealthCheck.unhealthyThreshold, HealthSection.fall.name),
        ] {
            guard let value = check.required(key)?.value else { continue }
            health.append((name, EnvoyText("\(value)", check.entry(key)?.value.mark)))
        }
        if let pause = check.value(EnvoyHealthCheck.unhealthyInterval) {
            health.append((HealthSection.downInterval.name, EnvoyText(durationText(pause), mark)))
        }
        _ = check.value(EnvoyHealthCheck.reuse)
        if let http = check.entry(EnvoyHealthCheck.http) {
            if let tcp = check.entry(EnvoyHealthCheck.tcp) {
                report(
                    tcp.position,
                    "\"tcp_health_check\" stands beside \"http_health_check\"; "
                        + "write one of them")
            }
            health += self.http(http, check, of: cluster)
        } else if let tcp = check.requiredEntry(EnvoyHealthCheck.tcp) {
            health += self.tcp(tcp)
        }
        cluster.health = health
    }

    private func http(
        _ entry: Entry, _ check: SectionReader<EnvoyHealthCheck>, of cluster: EnvoyCluster
    ) -> [(key: String, value: EnvoyText)] {
        let mark = entry.value.mark
        guard
            let section = SectionReader<EnvoyHTTPCheck>(
                reader, entry, title: "\"http_health_check\"")
        else { return [] }
        _ = (section.value(EnvoyHTTPCheck.method), section.value(EnvoyHTTPCheck.codec))
        var values = [(HealthSection.check.name, EnvoyText(HealthCheck.Kind.http.rawValue, mark))]
        if let path = section.required(EnvoyHTTPCheck.path_) {
            let mark = section.entry(EnvoyHTTPCheck.path_)?.value.mark
            values.append((HealthSection.path_.name, EnvoyText(path.value, mark)))
        }
        if let host = section.value(EnvoyHTTPCheck.host) ?? ServerName(cluster.name.text) {
            values.append((HealthSection.serverName.name, EnvoyText(host.text, mark)))
        } else if !section.mentions(EnvoyHTTPCheck.host) {
            report(
                entry.position,
                "\"host\" is missing, and the cluster's name, \(quoted(cluster.name.text)), can be "
                    + "none; write \(Form.serverName.accepted)")
        }
        let status = section.entry(EnvoyHTTPCheck.statuses) == nil ? 200...200 : statuses(section)
        if let status {
            values.append(
                (HealthSection.status.name, EnvoyText(Form.statusRange.show(status), mark)))
        }
        if let fall = check.required(EnvoyHealthCheck.unhealthyThreshold), fall.value > 1 {
            warn(
                fall.position,
                "an answer with another status takes an endpoint out after \(fall.value) checks in a "
                    + "row; in Envoy one is enough")
        }
        return values
    }

    private func statuses(_ section: SectionReader<EnvoyHTTPCheck>) -> ClosedRange<Int>? {
        let entries = items(section, EnvoyHTTPCheck.statuses)
        if entries.count > 1 {
            report(entries[1].position, "this is a second range of statuses; write one")
        }
        guard let entry = entries.first,
            let range = SectionReader<EnvoyStatuses>(reader, entry, title: "a range of statuses")
        else { return nil }
        let (first, end) = (range.required(EnvoyStatuses.first), range.required(EnvoyStatuses.end))
        guard let first, let end else { return nil }
        guard first.value < end.value else {
            report(
                end.position, "\"end\" is \(end.value); write the status behind the last good one")
            return nil
        }
        return first.value...end.value - 1
    }

    private func tcp(_ entry: Entry) -> [(key: String, value: EnvoyText)] {
        let mark = entry.value.mark
        guard let section = SectionReader<EnvoyTCPCheck>(reader, entry) else { return [] }
        var expected: [ProbeBytes] = []
        if section.entry(EnvoyTCPCheck.receive) != nil {
            let entries = items(section, EnvoyTCPCheck.receive)
            if entries.count > 1 {
                report(entries[1].position, "this is a second text to receive; write one")
            }
            expected = entries.prefix(1).compactMap(payload)
        }
        let sent = section.entry(EnvoyTCPCheck.send)
        let bytes = sent.flatMap(payload)
        guard let expected = expected.first else {
            if let sent, section.entry(EnvoyTCPCheck.receive) == nil {
                report(
                    sent.position,
                    "\"send\" is there, but nothing is to be received; write \"receive\", or leave "
                        + "it out")
            }
            return [(HealthSection.check.name, EnvoyText(HealthCheck.Kind.tcp.rawValue, mark))]
        }
        var values = [(HealthSection.check.name, EnvoyText(HealthCheck.Kind.send.rawValue, mark))]
        if let bytes {
            values.append((HealthSection.send.name, EnvoyText(bytes.description, mark)))
        }
        return values + [(HealthSection.expect.name, EnvoyText(expected.description, mark))]
    }

    private func payload(_ entry: Entry) -> ProbeBytes? {
        guard let section = SectionReader<EnvoyPayload>(reader, entry) else { return nil }
        let text = section.value(EnvoyPayload.text)
        let binary = section.value(EnvoyPayload.binary)
        let keys = [EnvoyPayload.text, EnvoyPayload.binary]
        if keys.count(where: { section.mentions($0) }) != 1 {
            report(
                entry.position,
                "\(quoted(entry.name)) has not one payload; write \"text\" or "
                    + "\"binary\"")
        }
        return text ?? binary
    }
}
