// SPDX-License-Identifier: Apache-2.0

internal import Balancing

/// Warns of keys that change nothing where they stand. Their defaults may be written all the same:
/// `sluice config dump` writes every key.
extension ConfigurationReader {
    /// Of how a cluster balances.
    func warnOfIdleKeys(_ section: SectionReader<ClusterSection>) {
        let policy = section.value(ClusterSection.balance)
        func warn(_ key: ValueKey<some Equatable>, _ users: [BalancePolicy]) {
            if users.contains(policy) { return }
            let words = users.map(\.rawValue).joined(separator: " and ")
            let verb = users.count == 1 ? "goes" : "go"
            warnIfSet(
                key, in: section,
                "has no effect with \"balance: \(policy.rawValue)\"; \(words) \(verb) by it")
        }
        warn(ClusterSection.hashKey, [.maglev, .ring])
        warn(ClusterSection.tableSize, [.maglev, .sourceHash])
        warn(ClusterSection.loadFactor, [.ring])
    }

    /// Of a listener that does not look at its clients' bytes.
    func warnOfIdleKeys(
        _ section: SectionReader<ListenerSection>, _ mode: ListenerMode
    ) {
        if mode == .tls { return }
        let sentence = "has no effect with \"mode: \(mode.rawValue)\""
        warnIfSet(ListenerSection.wildcards, in: section, "\(sentence): nobody reads server names")
        if mode == .plain {
            let why = "clients that nobody serves are reset"
            return warnIfSet(ListenerSection.reject, in: section, "\(sentence): \(why)")
        }
        guard let group = section.entry(ListenerSection.hello),
            let hello = SectionReader<HelloSection>(self, group)
        else { return }
        let why = "nobody waits for a hello"
        warnIfSet(HelloSection.onTooLarge, in: hello, "\(sentence): \(why)")
        warnIfSet(HelloSection.serverFirstAfter, in: hello, "\(sentence): \(why)")
    }

    private func warnIfSet<Value: Equatable, Keys>(
        _ key: ValueKey<Value>, in section: SectionReader<Keys>, _ sentence: String
    ) {
        guard let entry = section.entry(key), section.value(key) != key.standard else { return }
        warn(entry.position, "\"\(key.name)\" \(sentence)")
    }
}
