// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

extension ConfigurationReader {
    /// Who may connect; everyone, when there is no such group.
    func access(_ group: Entry?) -> AccessList {
        guard let group, let section = SectionReader<AccessSection>(self, group) else {
            return Defaults.access
        }
        var list = AccessList()
        let allowed = section.values(AccessSection.allow)
        let denied = section.values(AccessSection.deny)
        reportBoth(allowed, denied)
        list.allowed = allowed.map(\.value) + blocks(section, AccessSection.allowFile)
        list.denied = denied.map(\.value) + blocks(section, AccessSection.denyFile)
        list.refusal = section.value(AccessSection.denied)
        let asking: [any AnyKey] = [
            AccessSection.allow, AccessSection.allowFile, AccessSection.deny,
            AccessSection.denyFile,
        ]
        if !asking.contains(where: { section.mentions(named: $0.reference.name) }) {
            report(
                group.position,
                "\"access\" names nobody; write \"allow\", \"allow_file\", \"deny\" or "
                    + "\"deny_file\"")
        }
        return list
    }

    private func blocks(
        _ section: SectionReader<AccessSection>, _ key: ValueKey<String?>
    ) -> [AddressBlock] {
        guard let path = section.value(key), let entry = section.entry(key) else { return [] }
        // The last ban may be lifted; that the last one who may is gone, nobody means.
        return blocks(inFile: path, entry, mayBeEmpty: key.name == AccessSection.denyFile.name)
    }

    /// A block that may and may not.
    private func reportBoth(
        _ allowed: [(value: AddressBlock, position: Position)],
        _ denied: [(value: AddressBlock, position: Position)]
    ) {
        let lines = Dictionary(
            allowed.map { ($0.value, $0.position.line) }, uniquingKeysWith: { first, _ in first })
        for (block, position) in denied {
            guard let line = lines[block] else { continue }
            report(
                position, "\(block) is in \"allow\" as well (line \(line)); write it in one of them"
            )
        }
    }

    /// What the clients of one source may do; nil: what they like.
    func perSource(_ group: Entry?) -> SourceLimit? {
        guard let group, let section = SectionReader<PerSourceSection>(self, group) else {
            return nil
        }
        var limit = SourceLimit()
        limit.connections = section.value(PerSourceSection.connections)
        limit.rate = section.value(PerSourceSection.rate)
        limit.burst = section.value(PerSourceSection.burst)
        limit.prefixLengthV4 = section.value(PerSourceSection.prefixV4)
        limit.prefixLengthV6 = section.value(PerSourceSection.prefixV6)
        limit.refusal = section.value(PerSourceSection.above)
        limit.isDryRun = section.value(PerSourceSection.dryRun)
        let hasRate = section.mentions(PerSourceSection.rate)
        if !hasRate, !section.mentions(PerSourceSection.connections) {
            report(
                group.position,
                "\"per_source\" bounds nothing; write \"connections\" or \"rate\"")
        } else if !hasRate, let burst = section.entry(PerSourceSection.burst) {
            report(burst.position, "\"burst\" is of a \"rate\", which is missing; write it")
        }
        return limit
    }
}
