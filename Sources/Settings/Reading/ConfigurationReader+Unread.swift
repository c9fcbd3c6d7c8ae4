// SPDX-License-Identifier: Apache-2.0

internal import Balancing

/// What a listener of `mode: tcp` cannot have, since it looks at no byte of its clients.
extension ConfigurationReader {
    /// - Parameter rules: Which of its routes are rules.
    func reportUnread(
        _ section: SectionReader<ListenerSection>, _ read: RoutesRead, rules: Range<Int>
    ) {
        let keys: [any AnyKey] = [ListenerSection.routes, ListenerSection.routesFile]
        let entries = keys.compactMap { section.entry($0) }
        if let entry = entries.first(where: { !$0.value.isEmpty }) {
            report(
                entry.position,
                "\"\(entry.name)\" asks for server names, which \"mode: tcp\" does not read; write "
                    + "\"default\", or \"rules\" with \"tls: any\" and \"source\"")
        }
        if let entry = section.entry(ListenerSection.nonTLS), !entry.value.isEmpty {
            report(
                entry.position,
                "\"non_tls\" has no meaning with \"mode: tcp\": all clients go to \"default\"; leave "
                    + "it out, or write \"mode: tls\"")
        }
        for index in rules where !read.all[index].isOfSourceAlone {
            report(
                read.place(of: RouteID(rawValue: UInt32(index))).position,
                "this rule asks for what \"mode: tcp\" does not read; write \"tls: any\" and "
                    + "\"source\" alone, or \"mode: tls\"")
        }
    }
}

extension Route {
    /// Whether it may hold for a client of which nothing but the source is known.
    fileprivate var isOfSourceAlone: Bool {
        name == .any && conditions.tls != .on && conditions.protocols.isEmpty
            && conditions.lowestVersion == nil && conditions.hasECH == nil
    }
}
