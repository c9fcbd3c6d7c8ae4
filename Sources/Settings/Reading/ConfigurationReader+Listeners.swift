// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes
internal import Yams

/// What was read of `listeners`.
struct ListenersRead {
    var all: [Listener] = []
    /// Who has an address, and since which line.
    var owners: [TransportAddress: (listener: String, line: Int)] = [:]

    /// Who gets what is sent to an address, as far as a file tells: a wildcard has the loopback's.
    func owner(of address: TransportAddress) -> (listener: String, line: Int)? {
        if let owner = owners[address] { return owner }
        guard address.address.isLoopback else { return nil }
        let wildcard: IPAddress = address.address.isIPv4 ? .anyIPv4 : .anyIPv6
        return owners[TransportAddress(wildcard, address.port)]
    }
}

extension ConfigurationReader {
    func listeners(_ entry: Entry?, _ clusters: ClustersRead) -> ListenersRead {
        var read = ListenersRead()
        guard let entry, let members = members(entry, FileSection.listeners) else { return read }
        for (index, member) in members.enumerated() {
            let title = "listener \(quoted(member.name))"
            guard let section = SectionReader<ListenerSection>(self, member, title: title)
            else { continue }
            let addresses = addresses(section, member, &read)
            read.all.append(
                listener(section, member, UInt16(index), addresses, clusters))
        }
        return read
    }

    /// Endpoints that are listeners would get their own connections back.
    func reportLoops(_ clusters: ClustersRead, _ listeners: ListenersRead) {
        for (address, position) in clusters.endpoints {
            guard let owner = listeners.owner(of: address) else { continue }
            report(
                position,
                "endpoint \(address) is an address of listener \(quoted(owner.listener)); "
                    + "connections would come back, so write another address")
        }
    }

    private func listener(
        _ section: SectionReader<ListenerSection>, _ entry: Entry, _ id: UInt16,
        _ addresses: [TransportAddress], _ clusters: ClustersRead
    ) -> Listener {
        var routes = RoutesRead()
        self.routes(section, clusters, &routes)
        listedRoutes(section, clusters, &routes)
        let names = routes.all.count
        rules(section, clusters, &routes)
        let standard = cluster(section, ListenerSection.standard, clusters)
        let mode = section.value(ListenerSection.mode)
        let hasRoutes =
            [ListenerSection.routes, ListenerSection.rules].contains { key in
                section.mentions(key) && section.entry(key)?.value.hasNothing != true
            } || section.mentions(ListenerSection.routesFile)
        if mode != .plain, !hasRoutes, !section.mentions(ListenerSection.standard) {
            report(
                entry.position,
                "listener \(quoted(entry.name)) has none of \"routes\", "
                    + "\"routes_file\", \"rules\" and \"default\"; write at least one of them")
        }
        let table = RoutingTable(routes.all, reach: section.value(ListenerSection.wildcards))
        reportRepetitions(in: table, routes)
        warnOfOverlaps(in: table, routes)
        var read = Listener(
            id: id, name: entry.name, addresses: addresses, routes: table,
            defaultCluster: standard,
            nonTLSCluster: cluster(section, ListenerSection.nonTLS, clusters),
            reject: section.value(ListenerSection.reject), hello: hello(section, entry),
            maxConnections: section.value(ListenerSection.maxConnections),
            access: access(section.entry(ListenerSection.access)),
            perSource: perSource(section.entry(ListenerSection.perSource)))
        read.mode = mode
        read.proxySenders = section.values(ListenerSection.acceptProxy).map(\.value)
        warnOfIdleKeys(section, mode)
        if mode == .tcp { reportUnread(section, routes, rules: names..<routes.all.count) }
        if mode == .plain { reportUnknownToKernel(section, entry, clusters) }
        return read
    }

    private func addresses(
        _ section: SectionReader<ListenerSection>, _ entry: Entry, _ read: inout ListenersRead
    ) -> [TransportAddress] {
        let keys = [ListenerSection.address, ListenerSection.addresses]
        if !keys.contains(where: { section.mentions($0) }) {
            section.reportMissing(ListenerSection.address)
        }
        var addresses: [TransportAddress] = []
        for (range, position) in keys.flatMap({ section.values($0) }) {
            if let taken = range.first(where: { read.owners[$0] != nil }),
                let owner = read.owners[taken]
            {
                report(
                    position,
                    "\(taken) is already an address of listener \(quoted(owner.listener)) "
                        + "(line \(owner.line)); an address belongs to one listener")
                continue
            }
            for address in range { read.owners[address] = (entry.name, position.line) }
            addresses += range
        }
        return addresses
    }

    private func hello(_ listener: SectionReader<ListenerSection>, _ entry: Entry) -> HelloLimits {
        guard let group = listener.entry(ListenerSection.hello),
            let section = SectionReader<HelloSection>(self, group)
        else { return Defaults.hello }
        for key in [HelloSection.onTimeout, HelloSection.onTooLarge]
        where section.value(key) == .default && !listener.mentions(ListenerSection.standard) {
            report(
                section.entry(key)?.valuePosition ?? group.position,
                "\"\(key.name)\" is \"default\", but listener \(quoted(entry.name)) has none; "
                    + "write its \"default\" cluster, or reject here")
        }
        if section.value(HelloSection.serverFirstAfter) != nil,
            !listener.mentions(ListenerSection.standard)
        {
            report(
                section.entry(HelloSection.serverFirstAfter)?.position ?? group.position,
                "\"server_first_after\" leads to the default cluster, but listener "
                    + "\(quoted(entry.name)) has none; write its \"default\"")
        }
        if let patience = section.value(HelloSection.serverFirstAfter),
            patience >= section.value(HelloSection.timeout)
        {
            report(
                section.entry(HelloSection.serverFirstAfter)?.position ?? group.position,
                "\"server_first_after\" is not shorter than \"timeout\", by which who says nothing "
                    + "is turned away; write a shorter time, or a longer \"timeout\"")
        }
        return HelloLimits(
            timeout: section.value(HelloSection.timeout),
            maxSize: section.value(HelloSection.maxSize),
            onTimeout: section.value(HelloSection.onTimeout),
            onTooLarge: section.value(HelloSection.onTooLarge),
            serverFirstAfter: section.value(HelloSection.serverFirstAfter))
    }
}
