// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes
internal import Yams

/// What was read of `clusters`.
struct ClustersRead {
    var all: [Cluster] = []
    /// Places in the list by name; nil when the section could not be read, and then nobody can say
    /// that a name is missing.
    var indices: [String: Int]?
    /// Every endpoint and where it was written.
    var endpoints: [(TransportAddress, Position)] = []
    /// The places of those that are transparent, and where they say so.
    var transparent: [(cluster: Int, Position)] = []
}

extension ConfigurationReader {
    func clusters(_ entry: Entry?) -> ClustersRead {
        var read = ClustersRead()
        guard let entry, let members = members(entry, FileSection.clusters) else { return read }
        var indices: [String: Int] = [:]
        var empty: [Int: (EmptyChoice, Entry)] = [:]
        for (index, member) in members.enumerated() {
            indices[member.name] = index
            read.all.append(cluster(member, UInt16(index), &read, &empty[index]))
        }
        read.indices = indices
        settleEmpty(&read, empty)
        return read
    }

    private func cluster(
        _ entry: Entry, _ id: UInt16, _ read: inout ClustersRead,
        _ empty: inout (EmptyChoice, Entry)?
    ) -> Cluster {
        var timeout = Defaults.connectTimeout
        var proxyProtocol = Defaults.proxyProtocol
        var proxyTLVs = Defaults.proxyTLVs
        var isTransparent = Defaults.isTransparent
        var balance = Defaults.balance
        var health: HealthCheck?
        var ejection: Ejection?
        var onDown = Defaults.onDown
        var maxConnections: Int?
        var list: Entry? = entry
        var file: (path: String, Entry)?
        var names: [EndpointName] = []
        if case .mapping = entry.value {
            let title = "cluster \(quoted(entry.name))"
            let section = SectionReader<ClusterSection>(self, entry, title: title)
            timeout = section?.value(ClusterSection.connectTimeout) ?? timeout
            proxyProtocol = section?.value(ClusterSection.proxyProtocol) ?? proxyProtocol
            proxyTLVs = section.map(self.proxyTLVs) ?? proxyTLVs
            balance = section.map(self.balance) ?? balance
            if let section {
                warnOfIdleKeys(section)
                isTransparent = transparent(section, id, &read)
                health = self.health(section)
                ejection = self.ejection(section)
                onDown = section.value(ClusterSection.onDown)
                maxConnections = section.value(ClusterSection.maxConnections)
                empty = section.entry(ClusterSection.whenEmpty).map {
                    (section.value(ClusterSection.whenEmpty), $0)
                }
            }
            file = section.flatMap(endpointsFile)
            names = section.map { self.names($0, isAlone: file == nil) } ?? []
            let isElsewhere = [ClusterSection.endpointsFile.name, ClusterSection.endpointsDNS.name]
                .contains { section?.mentions(named: $0) == true }
            list = isElsewhere ? nil : section?.requiredEntry(ClusterSection.endpoints)
        }
        var endpoints = list.map { self.endpoints($0, of: entry, &read.endpoints) } ?? []
        if let file {
            endpoints = self.endpoints(inFile: file.path, file.1, of: entry, &read.endpoints)
        } else if let list {
            warnOfIdle(entry, list, endpoints, ejection)
        }
        if balance.tableSize < endpoints.count, let list = list ?? file?.1 {
            report(
                list.valuePosition,
                "cluster \(quoted(entry.name)) has \(endpoints.count) endpoints, but "
                    + "\"table_size\" is \(balance.tableSize); write a larger one")
        }
        var cluster = Cluster(
            id: id, name: entry.name, endpoints: endpoints, connectTimeout: timeout,
            proxyProtocol: proxyProtocol, balance: balance, health: health, ejection: ejection,
            onDown: onDown)
        cluster.names = names
        cluster.maxConnections = maxConnections
        cluster.proxyTLVs = proxyTLVs
        cluster.isTransparent = isTransparent
        return cluster
    }

    /// Says what will never happen with so few endpoints, or with their weights.
    private func warnOfIdle(
        _ cluster: Entry, _ list: Entry, _ endpoints: [Endpoint], _ ejection: Ejection?
    ) {
        if !endpoints.isEmpty, endpoints.allSatisfy({ $0.weight == 0 }) {
            warn(
                list.valuePosition,
                "all endpoints of cluster \(quoted(cluster.name)) have weight 0, so that none gets "
                    + "new connections; write a weight if that is not meant")
        }
        if let ejection, !endpoints.isEmpty, ejection.maxShare * endpoints.count < 100 {
            warn(
                list.valuePosition,
                "of \(endpoints.count) endpoints, a \"max_share\" of \(ejection.maxShare)% lets "
                    + "\"ejection\" take none out; write at least "
                    + "\((100 + endpoints.count - 1) / endpoints.count)%, or more endpoints")
        }
    }

    /// Where the endpoints are, if not beside it.
    private func endpointsFile(_ section: SectionReader<ClusterSection>) -> (String, Entry)? {
        guard let entry = section.entry(ClusterSection.endpointsFile),
            let path = section.value(ClusterSection.endpointsFile)
        else { return nil }
        if section.mentions(ClusterSection.endpoints) {
            report(
                entry.position,
                "\"endpoints_file\" and \"endpoints\" are two places for the same; leave one out")
        }
        return (path, entry)
    }

    /// Names that stand for endpoints, in place of those.
    private func names(
        _ section: SectionReader<ClusterSection>, isAlone: Bool
    ) -> [EndpointName] {
        guard let entry = section.entry(ClusterSection.endpointsDNS) else { return [] }
        if !isAlone || section.mentions(ClusterSection.endpoints) {
            report(
                entry.position,
                "\"endpoints_dns\" is another place for endpoints; leave one of them out")
        }
        var names: [EndpointName] = []
        for (name, position) in section.values(ClusterSection.endpointsDNS) {
            if names.contains(name) {
                report(position, "\"endpoints_dns\" has \(name) already; write it once")
            } else {
                names.append(name)
            }
        }
        return names
    }

    private func proxyTLVs(_ section: SectionReader<ClusterSection>) -> [ProxyTLV] {
        var tlvs: [ProxyTLV] = []
        for (tlv, position) in section.values(ClusterSection.proxyTLVs) {
            if tlvs.contains(where: { $0.type == tlv.type }) {
                report(
                    position,
                    "\"proxy_tlvs\" has \(quoted(Form.proxyTLV.show(tlv))) although its type is "
                        + "there already; write each type once")
            } else {
                tlvs.append(tlv)
            }
        }
        guard let entry = section.entry(ClusterSection.proxyTLVs) else { return tlvs }
        if section.value(ClusterSection.proxyProtocol) != .v2 {
            report(
                entry.position,
                "\"proxy_tlvs\" need a header of version 2; write \"proxy_protocol: v2\" too")
        }
        let size = tlvs.reduce(0) { sum, tlv in
            if case .custom(_, let value) = tlv { sum + value.count } else { sum }
        }
        if size > ProxyTLV.valuesLimit {
            report(
                entry.position,
                "the values of \"proxy_tlvs\" have \(size) bytes; write at most "
                    + "\(ProxyTLV.valuesLimit)")
        }
        return tlvs
    }

    private func balance(_ section: SectionReader<ClusterSection>) -> Balance {
        var balance = Balance()
        balance.policy = section.value(ClusterSection.balance)
        balance.hashKey = section.value(ClusterSection.hashKey)
        balance.tableSize = section.value(ClusterSection.tableSize)
        balance.loadFactor = section.value(ClusterSection.loadFactor)
        balance.slowStart = section.value(ClusterSection.slowStart) ?? .zero
        balance.panicThreshold = section.value(ClusterSection.panicThreshold)
        return balance
    }

    /// The endpoints in `list`, which belongs to `cluster` or is it, in the short form.
    private func endpoints(
        _ list: Entry, of cluster: Entry, _ places: inout [(TransportAddress, Position)]
    ) -> [Endpoint] {
        guard case .sequence(let nodes) = list.value else {
            report(
                list.valuePosition,
                "\(quoted(list.name)) is \(list.value.found); "
                    + "write a list of endpoints, for example [10.0.0.1:443]")
            return []
        }
        let name = "cluster \(quoted(cluster.name))"
        if nodes.isEmpty || nodes.count > Cluster.endpointLimit {
            let count = nodes.isEmpty ? "no" : "\(nodes.count)"
            report(
                list.valuePosition,
                "\(name) has \(count) endpoints; write 1 to \(Cluster.endpointLimit)")
        }
        var lines: [TransportAddress: Int] = [:]
        return nodes.compactMap { node in
            guard let (endpoint, position) = endpoint(node) else { return nil }
            if let line = lines[endpoint.address] {
                report(
                    position,
                    "endpoint \(endpoint.address) is already in \(name) (line \(line)); "
                        + "use \"weight\" to give it a larger share")
                return nil
            }
            lines[endpoint.address] = position.line
            places.append((endpoint.address, position))
            return endpoint
        }
    }

    private func endpoint(_ node: Node) -> (Endpoint, Position)? {
        let entry = Entry(name: "endpoints", position: Position(node), value: node)
        if case .mapping = node {
            guard let section = SectionReader<EndpointSection>(self, entry, title: "an endpoint")
            else { return nil }
            let weight = section.value(EndpointSection.weight)
            let priority = section.value(EndpointSection.priority)
            guard let (address, position) = section.required(EndpointSection.address)
            else { return nil }
            var endpoint = Endpoint(address: address, weight: weight, priority: priority)
            endpoint.maxConnections = section.value(EndpointSection.maxConnections)
            return (endpoint, position)
        }
        if case .scalar(let scalar) = node, !node.isEmpty,
            let address = Form.endpointAddress.parse(scalar.string)
        {
            return (Endpoint(address: address, weight: Defaults.weight), entry.position)
        }
        report(entry.position, complaint("an endpoint is", node, Form.endpointAddress))
        return nil
    }
}
