// SPDX-License-Identifier: Apache-2.0

internal import Yams

extension EnvoyReader {
    /// The endpoints of a cluster; one that is there twice is reported.
    func endpoints(
        _ section: SectionReader<EnvoyClusterSection>
    ) -> [(address: EnvoyText, weight: Int, priority: Int)] {
        guard let group = group(section, EnvoyClusterSection.assignment, EnvoyAssignment.self)
        else { return [] }
        var lines: [String: Int] = [:]
        var endpoints: [(address: EnvoyText, weight: Int, priority: Int)] = []
        for entry in items(group, EnvoyAssignment.endpoints) {
            let title = "\"endpoints\""
            guard let locality = SectionReader<EnvoyLocality>(reader, entry, title: title)
            else { continue }
            let priority = locality.value(EnvoyLocality.priority)
            for member in items(locality, EnvoyLocality.members) {
                guard let (address, weight) = self.member(member) else { continue }
                let position = address.mark.map { Position($0) } ?? member.position
                if let line = lines[address.text] {
                    report(
                        position,
                        "endpoint \(address.text) is already in this cluster (line \(line)); "
                            + "use \"load_balancing_weight\" to give it a larger share")
                    continue
                }
                lines[address.text] = position.line
                endpoints.append((address, weight, priority))
            }
        }
        return endpoints
    }

    private func member(_ entry: Entry) -> (address: EnvoyText, weight: Int)? {
        guard let section = SectionReader<EnvoyMember>(reader, entry, title: "\"lb_endpoints\"")
        else { return nil }
        let weight = section.value(EnvoyMember.weight)
        guard let endpoint = group(section, EnvoyMember.endpoint, EnvoyEndpoint.self),
            let address = socketAddress(
                endpoint, EnvoyEndpoint.address, EnvoyEndpointSocket.self,
                EnvoyEndpointSocket.address, EnvoyEndpointSocket.port,
                EnvoyEndpointSocket.transport)
        else { return nil }
        return (address, weight)
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
