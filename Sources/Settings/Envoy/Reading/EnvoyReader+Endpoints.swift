// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes
internal import Yams

extension EnvoyReader {
    /// The endpoints of a cluster, or names that stand for them; one that is there twice is reported.
    func readEndpoints(
        _ section: SectionReader<EnvoyClusterSection>, _ cluster: inout EnvoyCluster
    ) {
        guard let group = group(section, EnvoyClusterSection.assignment, EnvoyAssignment.self)
        else { return }
        let discovery = section.value(EnvoyClusterSection.type)
        var lines: [String: Int] = [:]
        for entry in items(group, EnvoyAssignment.endpoints) {
            let title = "\"endpoints\""
            guard let locality = SectionReader<EnvoyLocality>(reader, entry, title: title)
            else { continue }
            let priority = locality.value(EnvoyLocality.priority)
            for item in items(locality, EnvoyLocality.members) {
                guard let member = self.member(item) else { continue }
                let position = member.address.mark.map { Position($0) } ?? item.position
                if let line = lines[member.address.text] {
                    report(
                        position,
                        "endpoint \(member.address.text) is already in this cluster (line \(line)); "
                            + "use \"load_balancing_weight\" to give it a larger share")
                    continue
                }
                lines[member.address.text] = position.line
                if member.isName {
                    check(member, priority, discovery, position)
                    cluster.names.append(member.address)
                } else {
                    cluster.endpoints.append((member.address, member.weight, priority))
                }
            }
        }
        if !cluster.names.isEmpty { checkNames(section, cluster) }
    }

    private struct Member {
        var address: EnvoyText
        var isName: Bool
        var weight: Int
    }

    private func member(_ entry: Entry) -> Member? {
        guard let section = SectionReader<EnvoyMember>(reader, entry, title: "\"lb_endpoints\"")
        else { return nil }
        let weight = section.value(EnvoyMember.weight)
        guard let endpoint = group(section, EnvoyMember.endpoint, EnvoyEndpoint.self),
            let (host, port, mark) = socketAddress(
                endpoint, EnvoyEndpoint.address, EnvoyEndpointSocket.self,
                EnvoyEndpointSocket.address, EnvoyEndpointSocket.port,
                EnvoyEndpointSocket.transport)
        else { return nil }
        switch host {
        case .address(let address):
            let text = TransportAddress(address, port).description
            return Member(address: EnvoyText(text, mark), isName: false, weight: weight)
        case .name(let name):
            let text = EndpointName(name: name, port: port).description
            return Member(address: EnvoyText(text, mark), isName: true, weight: weight)
        }
    }

    /// What a name that stands for endpoints cannot have.
    private func check(
        _ member: Member, _ priority: Int, _ discovery: EnvoyDiscovery, _ position: Position
    ) {
        let name = quoted(member.address.text)
        if discovery == .fixed {
            report(
                position,
                "\(name) is a host name; write \"type\": STRICT_DNS, or an IP address")
        }
        if member.weight != Defaults.weight || priority != Defaults.priority {
            report(
                position,
                "\(name) is a host name, and has a weight or priority; all addresses of a cluster's "
                    + "names have the same, so leave them out")
        }
    }

    /// What a cluster of names cannot have.
    private func checkNames(
        _ section: SectionReader<EnvoyClusterSection>, _ cluster: EnvoyCluster
    ) {
        if let endpoint = cluster.endpoints.first {
            report(
                endpoint.address.mark.map { Position($0) } ?? Position(line: 1, column: 1),
                "\(endpoint.address.text) is an IP address, and other endpoints of this cluster are "
                    + "names; make a cluster of each kind")
        }
        for key in [
            EnvoyClusterSection.resolverConfig, EnvoyClusterSection.resolutionConfig,
            EnvoyClusterSection.resolvers,
        ] {
            guard let entry = section.entry(key) else { continue }
            report(
                entry.position,
                "\(quoted(key.name)) is not supported where endpoints are names; leave it out, "
                    + "sluice's own form has \"resolver\" for all names")
        }
        let family = section.value(EnvoyClusterSection.lookupFamily)
        let position =
            section.entry(EnvoyClusterSection.lookupFamily)?.valuePosition
            ?? cluster.names[0].mark.map { Position($0) } ?? Position(line: 1, column: 1)
        switch family {
        case .all: break
        case .automatic:
            warn(
                position,
                "names stand for all of their addresses, IPv6 and IPv4; Envoy would take IPv4 only "
                    + "where there is no IPv6 (\"dns_lookup_family\" AUTO). ALL says what is done")
        case .onlyV4, .onlyV6, .preferredV4:
            report(
                position,
                "\"dns_lookup_family\" is \(family.rawValue); names stand for all of their addresses, "
                    + "so write ALL")
        }
    }

    /// The PROXY protocol towards the endpoints, which Envoy has as a transport socket.
    func readProxyProtocol(
        _ section: SectionReader<EnvoyClusterSection>, _ cluster: inout EnvoyCluster
    ) {
        guard let entry = section.entry(EnvoyClusterSection.socket),
            let socket = typed(entry, title: "\"transport_socket\"")
        else { return }
        switch socket.type ?? socket.lastWord {
        case "RawBuffer", "raw_buffer": return
        case "ProxyProtocolUpstreamTransport", "upstream_proxy_protocol": break
        default:
            return report(
                socket.position,
                "the transport socket \(quoted(socket.name)) is not supported; sluice makes no TLS "
                    + "of its own, so leave it out or write "
                    + "envoy.transport_sockets.upstream_proxy_protocol")
        }
        guard let config = socket.config else {
            return report(
                socket.position,
                "\"typed_config\" is missing in \(quoted(socket.name)); write a mapping that begins "
                    + "with \"@type\" and has \"config\"")
        }
        guard
            let proxy = SectionReader<EnvoyProxySocket>(
                reader, config, title: "\"typed_config\"")
        else { return }
        var version = EnvoyProxyVersion.first
        if proxy.entry(EnvoyProxySocket.config) != nil,
            let group = group(proxy, EnvoyProxySocket.config, EnvoyProxyConfig.self)
        {
            version = group.value(EnvoyProxyConfig.version)
        }
        if let inner = proxy.entry(EnvoyProxySocket.inner) { checkInner(inner) }
        cluster.values.append(
            (ClusterSection.proxyProtocol.name, EnvoyText(version.word, config.value.mark)))
    }

    private func checkInner(_ entry: Entry) {
        guard let socket = typed(entry, title: "\"transport_socket\"") else { return }
        guard ["RawBuffer", "raw_buffer"].contains(socket.type ?? socket.lastWord) else {
            return report(
                socket.position,
                "the transport socket \(quoted(socket.name)) is not supported inside of "
                    + "upstream_proxy_protocol; write envoy.transport_sockets.raw_buffer")
        }
        if let config = socket.config { _ = SectionReader<EnvoyRawBuffer>(reader, config) }
    }
}
