// SPDX-License-Identifier: Apache-2.0

/// A configuration as a test wants it, written as the YAML that people write.
struct Configuration: Sendable {
    /// Top-level lines beyond instance, interfaces, listeners and clusters.
    /// Closed flows stay in the table long enough to be looked at.
    var settings = ["limits:", "  closed_linger: 20s"]
    /// Lines of the listener beyond its address and routes.
    var policy: [String] = []
    var addresses: [String]
    var routes: [(name: String, cluster: String)] = []
    /// Each cluster with its lines: endpoints, or a whole mapping.
    var clusters: [(name: String, lines: [String])] = []
    /// Further listeners, as lines of the mapping of listeners.
    var otherListeners: [String] = []
    /// What to attach to; nil: all that the lab's balancer has.
    var interfaces: [String]?

    /// The three Kafka names on one address, `*.web.test` and the strict endpoint.
    static func kafka(_ family: Family) -> Configuration {
        var configuration = Configuration(addresses: [family.join(family.vip, 443)])
        for number in 1...3 {
            configuration.route(
                "kafka\(number).server.test", to: "kafka\(number)",
                family.join(family.endpoint, 9092 + number))
        }
        configuration.route("*.web.test", to: "web", family.join(family.endpoint, 9096))
        configuration.route("strict.web.test", to: "strict", family.join(family.endpoint, 9097))
        configuration.route("stub.test", to: "stub", family.join(family.endpoint, 9443))
        return configuration
    }

    /// One name, whose endpoint is Tests/Lab/echo_endpoint.py.
    static func echo(_ family: Family, at address: String? = nil) -> Configuration {
        var configuration = Configuration(addresses: [family.join(family.vip, 443)])
        configuration.route(
            "echo.test", to: "echo", address ?? family.join(family.endpoint, Lab.echoPort))
        return configuration
    }

    mutating func route(_ name: String, to cluster: String, _ endpoints: String...) {
        routes.append((name, cluster))
        clusters.append((cluster, ["endpoints:"] + endpoints.map { "  - \"\($0)\"" }))
    }

    func yaml(instance: String, interfaces: [String]) -> String {
        let interfaces = self.interfaces ?? interfaces
        var lines = [
            "instance: \(instance)", "interfaces: [\(interfaces.joined(separator: ", "))]",
        ]
        lines += settings
        lines += ["listeners:", "  tls:", "    addresses:"]
        lines += addresses.map { "      - \"\($0)\"" }
        lines += policy.map { "    \($0)" }
        lines += ["    routes:"] + routes.map { "      \"\($0.name)\": \($0.cluster)" }
        lines += otherListeners.map { "  \($0)" }
        lines += ["clusters:"]
        for cluster in clusters {
            lines += ["  \(cluster.name):"] + cluster.lines.map { "    \($0)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
