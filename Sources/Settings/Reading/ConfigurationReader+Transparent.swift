// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

extension ConfigurationReader {
    /// Whether the cluster at a place of the list keeps its clients' addresses.
    func transparent(
        _ section: SectionReader<ClusterSection>, _ cluster: UInt16, _ read: inout ClustersRead
    ) -> Bool {
        let isTransparent = section.value(ClusterSection.transparent)
        if isTransparent, let entry = section.entry(ClusterSection.transparent) {
            read.transparent.append((Int(cluster), entry.position))
        }
        return isTransparent
    }

    /// A relayed connection is our own, so what is always relayed cannot be transparent.
    func reportNeverTransparent(
        _ clusters: ClustersRead, _ listeners: ListenersRead, isSplicing: Bool
    ) {
        let families = Set(listeners.all.flatMap(\.addresses).map(\.address.isIPv4))
        for (index, position) in clusters.transparent {
            guard isSplicing else {
                report(
                    position,
                    "\"transparent\" needs spliced connections; leave \"splicing: off\" out, or this"
                )
                continue
            }
            for endpoint in clusters.all[index].endpoints.map(\.address) {
                if endpoint.address.isLoopback {
                    report(
                        position,
                        "connections to \(endpoint) are relayed, for it is on this host; leave "
                            + "\"transparent\" out")
                } else if families.count == 1, !families.contains(endpoint.address.isIPv4) {
                    report(
                        position,
                        "connections to \(endpoint) are relayed, for no listener is of its address "
                            + "family; leave \"transparent\" out")
                }
            }
        }
    }
}
