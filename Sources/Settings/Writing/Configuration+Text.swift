// SPDX-License-Identifier: Apache-2.0

public import Balancing
internal import WireTypes

extension Configuration {
    /// The configuration as YAML with every key that has a value, which reads back to the same
    /// configuration.
    public var text: String {
        var lines = ["\(FileSection.instance.name): \(FlowText.scalar(instance))"]
        // An empty list would not read back.
        if !interfaces.isEmpty {
            lines.append("\(FileSection.interfaces.name): " + interfacesText)
        }
        lines += [line(FileSection.attach, attach), line(FileSection.splicing, isSplicing)]
        if let workers { lines.append("\(FileSection.workers.name): \(workers)") }
        lines.append("\(FileSection.listeners.name):")
        for listener in listeners { lines += indented(self.lines(listener)) }
        lines.append("\(FileSection.clusters.name):")
        for cluster in clusters { lines += indented(self.lines(cluster)) }
        lines += sourceLines
        if let resolver {
            lines.append("\(FileSection.resolver.name): \(FlowText.scalar(resolver.description))")
        }
        lines.append("\(FileSection.limits.name):")
        lines += indented(limitLines)
        lines.append("\(FileSection.log.name):")
        lines += indented([
            line(LogSection.format, log.format), line(LogSection.level, log.level),
            line(LogSection.connections, log.connections),
        ])
        return lines.joined(separator: "\n") + "\n"
    }

    /// A rule as it would be written in the list `rules`.
    public func text(of route: Route) -> String {
        Self.text(of: route, clusters: clusters.map(\.name))
    }

    /// The same for who asks often, with the names of the clusters in their order.
    public static func text(of route: Route, clusters: [String]) -> String {
        route.ruleText(clusters)
    }

    func indented(_ lines: [String]) -> [String] { lines.map { "  " + $0 } }

    func line<Value>(_ key: ValueKey<Value>, _ value: Value) -> String {
        "\(key.name): \(FlowText.scalar(key.form.show(value)))"
    }

    /// A name of digits keeps its quotes, an index has none.
    private var interfacesText: String {
        let words = interfaces.map { selector in
            switch selector {
            case .index(let index): "\(index)"
            case .name(let name): "\"\(name)\""
            }
        }
        return "[" + words.joined(separator: ", ") + "]"
    }

    private var sourceLines: [String] {
        var pairs = [line(SourceSection.ports, source.ports)]
        if !source.addresses.isEmpty {
            pairs.append(
                "\(SourceSection.addresses.name): "
                    + FlowText.list(source.addresses.map(\.description)))
        }
        return ["\(FileSection.source.name):"] + indented(pairs)
    }

    private func line(_ key: ListKey<[ClosedRange<UInt16>]>, _ value: [ClosedRange<UInt16>])
        -> String
    {
        "\(key.name): \(FlowText.scalar(key.form.show(value)))"
    }

    private var limitLines: [String] {
        [
            line(LimitsSection.flows, limits.flows),
            line(LimitsSection.watermark, limits.watermark),
            line(LimitsSection.handshakes, limits.handshakes),
            line(LimitsSection.halfClassified, limits.halfClassified),
            line(LimitsSection.idleTimeout, limits.idleTimeout),
            line(LimitsSection.idleProbe, limits.idleProbe),
            line(LimitsSection.keepalives, limits.countsKeepalives),
            line(LimitsSection.maxLifetime, limits.maxLifetime),
            line(LimitsSection.closedLinger, limits.closedLinger),
            line(LimitsSection.trackedSources, limits.trackedSources),
        ] + boundLines(limits.maxConnections, limits.access, limits.perSource)
    }

    private func lines(_ listener: Listener) -> [String] {
        var lines = ["\(ListenerSection.addresses.name):"]
        lines += indented(ranges(listener.addresses).map { "- \(FlowText.scalar($0))" })
        lines.append(line(ListenerSection.mode, listener.mode))
        if !listener.proxySenders.isEmpty {
            lines.append(
                "\(ListenerSection.acceptProxy.name): "
                    + FlowText.list(listener.proxySenders.map(\.description)))
        }
        lines += routeLines(listener.routes)
        lines.append(line(ListenerSection.wildcards, listener.routes.reach))
        for (key, cluster) in [
            (ListenerSection.standard, listener.defaultCluster),
            (ListenerSection.nonTLS, listener.nonTLSCluster),
        ] {
            if let cluster { lines.append(line(key, clusters[cluster].name)) }
        }
        lines.append(line(ListenerSection.reject, listener.reject))
        lines.append("\(ListenerSection.hello.name):")
        lines += indented([
            line(HelloSection.timeout, listener.hello.timeout),
            line(HelloSection.maxSize, listener.hello.maxSize),
            line(HelloSection.onTimeout, listener.hello.onTimeout),
            line(HelloSection.onTooLarge, listener.hello.onTooLarge),
            line(HelloSection.serverFirstAfter, listener.hello.serverFirstAfter),
        ])
        lines += boundLines(listener.maxConnections, listener.access, listener.perSource)
        return ["\(FlowText.scalar(listener.name)):"] + indented(lines)
    }

    /// Names alone as routes, and the rest as rules; the order of the table is theirs.
    private func routeLines(_ table: RoutingTable) -> [String] {
        let names = table.routes.prefix { $0.nameAlone != nil }
        var lines: [String] = []
        if !names.isEmpty { lines.append("\(ListenerSection.routes.name):") }
        for route in names {
            guard let (pattern, cluster) = route.nameAlone else { continue }
            lines.append(
                "  \(FlowText.scalar(pattern.description)): "
                    + FlowText.scalar(clusters[cluster].name))
        }
        let rules = table.routes.dropFirst(names.count)
        if !rules.isEmpty { lines.append("\(ListenerSection.rules.name):") }
        return lines + rules.map { "  - " + text(of: $0) }
    }

    private func lines(_ cluster: Cluster) -> [String] {
        var lines = [
            line(ClusterSection.connectTimeout, cluster.connectTimeout),
            line(ClusterSection.proxyProtocol, cluster.proxyProtocol),
        ]
        if !cluster.proxyTLVs.isEmpty {
            let texts = cluster.proxyTLVs.map(Form.proxyTLV.show)
            lines.append("\(ClusterSection.proxyTLVs.name): \(FlowText.list(texts))")
        }
        lines += [
            line(ClusterSection.transparent, cluster.isTransparent),
            line(ClusterSection.balance, cluster.balance.policy),
            line(ClusterSection.hashKey, cluster.balance.hashKey),
            line(ClusterSection.tableSize, cluster.balance.tableSize),
            line(ClusterSection.loadFactor, cluster.balance.loadFactor),
            line(
                ClusterSection.slowStart,
                cluster.balance.slowStart > .zero ? cluster.balance.slowStart : nil),
            line(ClusterSection.panicThreshold, cluster.balance.panicThreshold),
        ]
        lines += healthLines(cluster)
        lines += boundLines(cluster.maxConnections)
        guard cluster.names.isEmpty else {
            let names = FlowText.list(cluster.names.map(\.description))
            lines.append("\(ClusterSection.endpointsDNS.name): \(names)")
            return ["\(FlowText.scalar(cluster.name)):"] + indented(lines)
        }
        lines.append("\(ClusterSection.endpoints.name):")
        for endpoint in cluster.endpoints {
            var pairs = [
                (EndpointSection.address.name, FlowText.scalar(endpoint.address.description)),
                (EndpointSection.weight.name, "\(endpoint.weight)"),
                (EndpointSection.priority.name, "\(endpoint.priority)"),
            ]
            if let most = endpoint.maxConnections {
                pairs.append((EndpointSection.maxConnections.name, "\(most)"))
            }
            lines.append("  - " + FlowText.mapping(pairs))
        }
        return ["\(FlowText.scalar(cluster.name)):"] + indented(lines)
    }

    /// Addresses with ports that follow each other as one range.
    private func ranges(_ addresses: [TransportAddress]) -> [String] {
        var ranges: [(first: TransportAddress, last: UInt16)] = []
        for address in addresses {
            if let range = ranges.last, range.first.address == address.address,
                range.last < address.port, range.last + 1 == address.port
            {
                ranges[ranges.count - 1].last = address.port
            } else {
                ranges.append((address, address.port))
            }
        }
        return ranges.map { range in
            range.last == range.first.port ? "\(range.first)" : "\(range.first)-\(range.last)"
        }
    }
}

extension Route {
    /// The name and the cluster, when there is nothing else to say.
    fileprivate var nameAlone: (NamePattern, Int)? {
        guard case .pattern(let pattern) = name, case .cluster(let cluster) = action,
            conditions == Defaults.rule
        else { return nil }
        return (pattern, cluster)
    }
}
