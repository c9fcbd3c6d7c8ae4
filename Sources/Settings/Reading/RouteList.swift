// SPDX-License-Identifier: Apache-2.0

internal import Balancing

/// Files of routes by name, a name and its cluster in each line. Made for a million of them.
///
///     www.example.com    web
///     *.example.com      mail
extension ConfigurationReader {
    /// Adds the routes in the file that a listener names.
    func listedRoutes(
        _ section: SectionReader<ListenerSection>, _ clusters: ClustersRead,
        _ read: inout RoutesRead
    ) {
        guard let path = section.value(ListenerSection.routesFile),
            let entry = section.entry(ListenerSection.routesFile),
            let text = text(named: path, entry)
        else { return }
        do throws(ListedFault) {
            var list: [(Route, line: Int)] = []
            for (number, content) in ListedLines(text) {
                list.append((try listedRoute(content, number, clusters), number))
            }
            if list.isEmpty { reportEmpty(path, entry) }
            read.append(list, of: path, entry.valuePosition)
        } catch {
            report(error, in: path, entry)
        }
    }

    private func listedRoute(
        _ content: ArraySlice<UInt8>, _ line: Int, _ clusters: ClustersRead
    ) throws(ListedFault) -> Route {
        let name = content.prefix { !ListedLines.isBlank($0) }
        let cluster = content[name.endIndex...].drop(while: ListedLines.isBlank)
        if cluster.isEmpty || cluster.contains(where: ListedLines.isBlank) {
            let found = quoted(String(decoding: content, as: UTF8.self))
            throw ListedFault(
                line: line, "is \(found); write a server name and a cluster name")
        }
        guard let pattern = NamePattern(name.span) else {
            let found = String(decoding: name, as: UTF8.self)
            throw ListedFault(line: line, "is wrong: \(nameComplaint(found))", found: found)
        }
        // If what is wrong are the clusters, that was reported.
        guard let indices = clusters.indices else { return Route(pattern, cluster: 0) }
        let clusterName = String(decoding: cluster, as: UTF8.self)
        guard let index = indices[clusterName] else {
            throw ListedFault(line: line, missing(cluster: clusterName, clusters))
        }
        return Route(pattern, cluster: index)
    }
}
