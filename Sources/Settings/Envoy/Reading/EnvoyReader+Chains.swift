// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes
internal import Yams

extension EnvoyReader {
    /// A filter chain; nil when nobody can say where its clients go, which is reported.
    func chain(_ entry: Entry) -> EnvoyChain? {
        guard
            let section = SectionReader<EnvoyChainSection>(reader, entry, title: "a filter chain")
        else { return nil }
        let match = section.entry(EnvoyChainSection.match).flatMap {
            SectionReader<EnvoyMatch>(reader, $0, title: "\"filter_chain_match\"")
        }
        let filters = items(section, EnvoyChainSection.filters)
        for other in filters.dropFirst() {
            report(
                other.position,
                "a filter chain has one network filter here, and the first one is in line "
                    + "\(filters[0].position.line); leave this one out")
        }
        guard let target = filters.first.flatMap({ self.target($0) }) else { return nil }
        var chain = EnvoyChain(mark: entry.value.mark, target: target)
        if let match { read(match, into: &chain) }
        return chain
    }

    private func read(_ match: SectionReader<EnvoyMatch>, into chain: inout EnvoyChain) {
        chain.names = distinct(match.values(EnvoyMatch.names), "server_names")
        chain.protocols = distinct(match.values(EnvoyMatch.protocols), "application_protocols")
        chain.transport = match.value(EnvoyMatch.transport)
        if match.entry(EnvoyMatch.sources) != nil {
            chain.sources = distinct(
                items(match, EnvoyMatch.sources).compactMap { block($0) }, "source_prefix_ranges")
        }
        let ofHellos: [any AnyKey] = [EnvoyMatch.names, EnvoyMatch.protocols]
        for key in ofHellos where chain.transport == .rawBuffer {
            guard let entry = entry(of: key, in: match) else { continue }
            report(
                entry.position,
                "\(quoted(entry.name)) is for clients that speak TLS, but \"transport_protocol\" "
                    + "is raw_buffer; nobody would match, so leave one of them out")
        }
    }

    private func entry(of key: any AnyKey, in match: SectionReader<EnvoyMatch>) -> Entry? {
        match.entry(key)
    }

    /// The values; one that is repeated is reported.
    private func distinct<Value: Hashable>(
        _ values: [(value: Value, position: Position)], _ name: String
    ) -> [Value] {
        var seen: Set<Value> = []
        return values.compactMap { value, position in
            if seen.insert(value).inserted { return value }
            report(position, "\"\(name)\" has \(quoted("\(value)")) twice; write it once")
            return nil
        }
    }

    private func block(_ entry: Entry) -> (value: AddressBlock, position: Position)? {
        guard
            let section = SectionReader<EnvoyBlock>(
                reader, entry, title: "\"source_prefix_ranges\""),
            let address = section.required(EnvoyBlock.address)
        else { return nil }
        let length = section.value(EnvoyBlock.length)
        if let block = AddressBlock("\(address.value)/\(length)") {
            return (block, address.position)
        }
        report(
            section.entry(EnvoyBlock.length)?.valuePosition ?? entry.position,
            "\"prefix_len\" is \"\(length)\", but \(address.value) has 32 bits; write 0 to 32")
        return nil
    }
}
