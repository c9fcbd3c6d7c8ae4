// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes
internal import Yams

extension ConfigurationReader {
    /// Adds the routes by name of a listener.
    func routes(
        _ section: SectionReader<ListenerSection>, _ clusters: ClustersRead,
        _ read: inout RoutesRead
    ) {
        guard let entry = section.entry(ListenerSection.routes), !entry.value.isEmpty else {
            return
        }
        guard case .mapping(let mapping) = entry.value else {
            report(
                entry.valuePosition,
                "\"routes\" is \(entry.value.found); write \(ListenerSection.routes.accepted)")
            return
        }
        // There may be very many: nothing here grows step by step, or holds on to nodes.
        read.reserve(mapping.count)
        eachEntry(mapping, areTold: false) { entry in
            let cluster = cluster(entry, clusters)
            guard let pattern = NamePattern(entry.name) else {
                report(entry.position, nameComplaint(entry.name))
                return
            }
            // An unknown cluster was reported; the route stays, so that nobody misses it.
            read.append(Route(pattern, cluster: cluster ?? 0), entry.position)
        }
    }

    /// The cluster that is the value of `key`, or nil.
    func cluster(
        _ section: SectionReader<ListenerSection>, _ key: ValueKey<String?>,
        _ clusters: ClustersRead
    ) -> Int? {
        guard section.value(key) != nil, let entry = section.entry(key) else { return nil }
        return cluster(entry, clusters)
    }

    /// The cluster that `entry` names; nil when it is none, which is reported.
    func cluster(_ entry: Entry, _ clusters: ClustersRead) -> Int? {
        guard case .scalar(let scalar) = entry.value, !entry.value.isEmpty else {
            report(
                entry.valuePosition,
                complaint("\(quoted(entry.name)) is", entry.value, Form.clusterName))
            return nil
        }
        return clusterIndex(
            named: scalar.string, quoted(entry.name), entry.valuePosition, clusters)
    }

    /// The cluster of that name, which `subject` goes to; nil when there is none.
    func clusterIndex(
        named name: String, _ subject: @autoclosure () -> String, _ position: Position,
        _ clusters: ClustersRead
    ) -> Int? {
        guard let indices = clusters.indices else { return nil }
        if let index = indices[name] { return index }
        report(position, "\(subject()) \(missing(cluster: name, clusters))")
        return nil
    }

    /// What is wrong with who goes to a cluster of a name that none has.
    func missing(cluster name: String, _ clusters: ClustersRead) -> String {
        let names = clusters.all.map(\.name)
        let more = names.count > 8 ? ", …" : ""
        let advice =
            suggestion(for: name, among: names).map { "did you mean \"\($0)\"?" }
            ?? "there are: " + names.prefix(8).joined(separator: ", ") + more
        return "goes to cluster \(quoted(name)), which does not exist; \(advice)"
    }

    /// What is wrong with `text`, which is no name.
    func nameComplaint(_ text: String) -> String {
        if text == "*" { return "\"*\" is no wildcard; use \"default\" for all other names" }
        if text.contains("*") {
            return "\(quoted(text)) is no wildcard; write \"*.\" and a name, "
                + "for example \"*.example.com\""
        }
        if IPAddress(text) != nil {
            return "\(quoted(text)) is an IP address, which clients never send as server name "
                + "(RFC 6066); write a name, or use \"default\""
        }
        if !text.utf8.allSatisfy({ $0 < 128 }) {
            return "\(quoted(text)) is no server name; write international names as clients send "
                + "them, for example xn--bcher-kva.example"
        }
        return "\(quoted(text)) is no server name; write labels of 1 to 63 letters, digits, \"-\" "
            + "or \"_\" with dots between, for example www.example.com"
    }
}
