// SPDX-License-Identifier: Apache-2.0

internal import Balancing

extension Configuration {
    /// What of a cluster is about health.
    func healthLines(_ cluster: Cluster) -> [String] {
        var lines: [String] = []
        if let health = cluster.health {
            lines.append("\(ClusterSection.health.name):")
            lines += indented(self.lines(health))
        }
        if let ejection = cluster.ejection {
            lines.append("\(ClusterSection.ejection.name):")
            lines += indented([
                line(EjectionSection.failures, ejection.failures),
                line(EjectionSection.base, ejection.base),
                line(EjectionSection.maxShare, ejection.maxShare),
            ])
        }
        lines.append(line(ClusterSection.onDown, cluster.onDown))
        let choice: EmptyChoice =
            switch cluster.whenEmpty {
            case .tryAll: .tryAll
            case .reject(let how): .reject(how)
            case .cluster(let index): .cluster(clusters[index].name)
            }
        return lines + [line(ClusterSection.whenEmpty, choice)]
    }

    /// Keys that the kind of check knows.
    private func lines(_ health: HealthCheck) -> [String] {
        var lines = [
            line(HealthSection.check, health.kind), line(HealthSection.interval, health.interval),
            line(HealthSection.timeout, health.timeout), line(HealthSection.rise, health.rise),
            line(HealthSection.fall, health.fall), line(HealthSection.jitter, health.jitter),
            line(HealthSection.start, health.start),
        ]
        if health.fastInterval != nil {
            lines.append(line(HealthSection.fastInterval, health.fastInterval))
        }
        if health.downInterval != nil {
            lines.append(line(HealthSection.downInterval, health.downInterval))
        }
        if health.serverName != nil {
            lines.append(line(HealthSection.serverName, health.serverName))
        }
        switch health.kind {
        case .tcp, .tls: break
        case .http:
            lines.append(line(HealthSection.path_, health.path))
            lines.append(line(HealthSection.status, health.status))
        case .send:
            lines.append(line(HealthSection.send, health.send))
            lines.append(line(HealthSection.expect, health.expect))
        }
        return lines
    }
}
