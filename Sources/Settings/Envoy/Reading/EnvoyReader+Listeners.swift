// SPDX-License-Identifier: Apache-2.0

internal import WireTypes
internal import Yams

extension EnvoyReader {
    func readListeners(_ resources: SectionReader<EnvoyResources>) {
        var lines: [String: Int] = [:]
        for (index, entry) in items(resources, EnvoyResources.listeners).enumerated() {
            guard
                let section = SectionReader<EnvoyListenerSection>(
                    reader, entry, title: "a listener")
            else { continue }
            let name = name(of: section, entry, index, &lines)
            listeners.append(listener(section, entry, name))
        }
    }

    /// Its name, or one that tells which of the list it is.
    private func name(
        of section: SectionReader<EnvoyListenerSection>, _ entry: Entry, _ index: Int,
        _ lines: inout [String: Int]
    ) -> EnvoyText {
        let node = section.entry(EnvoyListenerSection.name)?.value
        let name = EnvoyText(
            section.value(EnvoyListenerSection.name) ?? "listener_\(index + 1)",
            node?.mark ?? entry.value.mark)
        let position = node.map { Position($0) } ?? entry.position
        if let line = lines[name.text] {
            report(
                position,
                "listener \(quoted(name.text)) is already in line \(line); write another \"name\"")
        }
        lines[name.text] = position.line
        return name
    }

    private func listener(
        _ section: SectionReader<EnvoyListenerSection>, _ entry: Entry, _ name: EnvoyText
    ) -> EnvoyListener {
        var listener = EnvoyListener(name: name)
        listener.helloTimeout = section.value(EnvoyListenerSection.timeout)
        addresses(section, &listener)
        let looks = readListenerFilters(section, &listener)
        if section.entry(EnvoyListenerSection.chains) != nil
            || section.entry(EnvoyListenerSection.standard) == nil
        {
            listener.chains = items(section, EnvoyListenerSection.chains).compactMap { chain($0) }
        }
        if let entry = section.entry(EnvoyListenerSection.standard) {
            listener.standard = chain(entry)
            reportMatch(of: entry)
        }
        // Where a chain needs it, Envoy adds the inspector itself.
        if !looks, !listener.chains.contains(where: \.asksForHello) {
            report(
                entry.position,
                "listener \(quoted(name.text)) looks at no hello; that is not supported, so add "
                    + "the listener filter envoy.filters.listener.tls_inspector")
        }
        return listener
    }

    private func addresses(
        _ section: SectionReader<EnvoyListenerSection>, _ listener: inout EnvoyListener
    ) {
        if let address = address(section, EnvoyListenerSection.address) {
            listener.addresses.append(address)
        }
        guard section.entry(EnvoyListenerSection.more) != nil else { return }
        for entry in items(section, EnvoyListenerSection.more) {
            guard
                let more = SectionReader<EnvoyMoreAddresses>(
                    reader, entry, title: "\"additional_addresses\""),
                let address = address(more, EnvoyMoreAddresses.address)
            else { continue }
            listener.addresses.append(address)
        }
    }

    private func address<Keys>(_ section: SectionReader<Keys>, _ key: GroupKey) -> EnvoyText? {
        socketAddress(
            section, key, EnvoyListenerSocket.self, EnvoyListenerSocket.address,
            EnvoyListenerSocket.port, EnvoyListenerSocket.transport
        ).map { host, port, mark in
            EnvoyText(TransportAddress(host, port).description, mark)
        }
    }

    /// Whether they look at hellos.
    private func readListenerFilters(
        _ section: SectionReader<EnvoyListenerSection>, _ listener: inout EnvoyListener
    ) -> Bool {
        guard let list = section.entry(EnvoyListenerSection.listenerFilters)?.value,
            list.sequence?.isEmpty != true
        else { return false }
        var looks = false
        for entry in items(section, EnvoyListenerSection.listenerFilters) {
            guard let filter = typed(entry, title: "a listener filter") else { continue }
            let isInspector =
                filter.type.map { $0 == "TlsInspector" } ?? (filter.lastWord == "tls_inspector")
            guard isInspector else {
                reportListenerFilter(filter)
                continue
            }
            looks = true
            guard let config = filter.config else { continue }
            let inspector = SectionReader<EnvoyInspector>(reader, config, title: "a TlsInspector")
            listener.largestHello = inspector?.value(EnvoyInspector.largest)
        }
        return looks
    }

    private func reportListenerFilter(_ filter: EnvoyTyped) {
        let advice =
            filter.lastWord == "proxy_protocol" || filter.type == "ProxyProtocol"
            ? "write \"accept_proxy\" in a file of sluice's own form, as \"sluice convert\" prints"
            : "leave it out; there is only envoy.filters.listener.tls_inspector"
        report(
            filter.position,
            "the listener filter \(quoted(filter.name)) is not supported; \(advice)")
    }

    /// The default filter chain takes whoever is left.
    private func reportMatch(of entry: Entry) {
        guard case .mapping(let mapping) = entry.value,
            let match = reader.entries(mapping).first(where: {
                $0.name == EnvoyChainSection.match.name
            })
        else { return }
        report(
            match.position,
            "\"filter_chain_match\" stands in \"default_filter_chain\", which takes all that "
                + "is left; leave it out")
    }
}
