// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import KernelSockets
import Settings
import Splicing
import WireTypes

/// What this host has to do with the configuration: interfaces found, addresses expanded, routes
/// to endpoints asked. Nothing is changed by making it.
struct Plan: Sendable {
    /// Interfaces to attach to.
    let interfaces: [NetworkInterface]
    /// How they were asked for.
    let selectors: [InterfaceSelector]
    /// Addresses to answer SYNs on, with the listener's position in the configuration.
    let addresses: [(address: TransportAddress, listener: Int)]
    /// Addresses for ordinary listening sockets; wildcards stay wildcards.
    let sockets: [(address: TransportAddress, listener: Int)]

    init(_ configuration: Configuration, extraInterfaces: [InterfaceSelector]) throws {
        let found = try Self.interfaces(configuration.interfaces + extraInterfaces)
        self.init(configuration, found.map(\.interface), selectors: found.map(\.selector))
        try Self.checkOwnership(configuration)
    }

    /// The same for interfaces that are known already.
    init(
        _ configuration: Configuration, _ interfaces: [NetworkInterface],
        selectors: [InterfaceSelector]
    ) {
        self.interfaces = interfaces
        self.selectors = selectors
        var specific: [(address: TransportAddress, listener: Int)] = []
        var wildcard: [(address: TransportAddress, listener: Int)] = []
        for (index, listener) in configuration.listeners.enumerated() {
            for address in listener.addresses {
                if address.address.isUnspecified {
                    wildcard.append((address, index))
                } else {
                    specific.append((address, index))
                }
            }
        }
        // A specific address wins over a wildcard of the same port.
        let taken = Set(specific.map(\.address))
        sockets = specific + wildcard.flatMap { Self.sockets(of: $0, beside: taken) }
        let own = interfaces.flatMap(\.addresses)
        let expanded = wildcard.flatMap { entry in
            own
                .filter { $0.isIPv4 == entry.address.address.isIPv4 && !$0.isLinkLocal }
                .map {
                    (address: TransportAddress($0, entry.address.port), listener: entry.listener)
                }
                .filter { !taken.contains($0.address) }
        }
        addresses = specific + expanded
    }

    /// A wildcard stays one, unless another listener has its port at some address: the kernel does
    /// not let both listen, so it stands for the host's other addresses then.
    private static func sockets(
        of wildcard: (address: TransportAddress, listener: Int), beside taken: Set<TransportAddress>
    ) -> [(address: TransportAddress, listener: Int)] {
        let (address, listener) = wildcard
        let isIPv4 = address.address.isIPv4
        guard taken.contains(where: { $0.port == address.port && $0.address.isIPv4 == isIPv4 })
        else { return [wildcard] }
        return NetworkInterface.hostAddresses
            .filter { $0.isIPv4 == isIPv4 && !$0.isLinkLocal }
            .map { (address: TransportAddress($0, address.port), listener: listener) }
            .filter { !taken.contains($0.address) }
    }

    private static func interfaces(
        _ selectors: [InterfaceSelector]
    ) throws -> [(selector: InterfaceSelector, interface: NetworkInterface)] {
        guard !selectors.isEmpty else {
            throw failure(
                "no interface to attach to: name one with the key `interface` or with --ifindex",
                code: 2)
        }
        var found: [(selector: InterfaceSelector, interface: NetworkInterface)] = []
        for selector in selectors {
            let interface: NetworkInterface? =
                switch selector {
                case .name(let name): NetworkInterface(name: name)
                case .index(let index): NetworkInterface(index: index)
                }
            guard let interface else {
                throw failure(
                    "no interface \(selector) on this host; there are: "
                        + NetworkInterface.names.joined(separator: ", "))
            }
            if !found.contains(where: { $0.interface.index == interface.index }) {
                found.append((selector, interface))
            }
        }
        return found
    }

    private static func checkOwnership(_ configuration: Configuration) throws {
        let own = Set(NetworkInterface.hostAddresses)
        for address in configuration.listeners.flatMap(\.addresses)
        where !address.address.isUnspecified && !own.contains(address.address) {
            throw failure(
                "cannot listen on \(address): the address is not one of this host's. "
                    + "Add it to an interface (ip address add), or correct the listener")
        }
    }

    /// MSS towards clients of a family: what fits through every attached interface.
    func mss(for address: IPAddress) -> UInt16 {
        let mtu = interfaces.map(\.mtu).min() ?? 1500
        return UInt16(clamping: max(mtu - (address.isIPv4 ? 40 : 60), 536))
    }

    /// Payload of a hello's segment that fits through every attached interface, timestamps and all.
    var segmentSize: Int { max((interfaces.map(\.mtu).min() ?? 1500) - 60 - 12, 524) }
}

/// Endpoints as seen from here.
func targets(_ configuration: Configuration, attached: [NetworkInterface]) -> [Target] {
    let own = Set(NetworkInterface.hostAddresses)
    let attachedAddresses = Set(attached.flatMap(\.addresses))
    var seen: Set<TransportAddress> = []
    let addresses = configuration.clusters.flatMap(\.endpoints).map(\.address).filter {
        seen.insert($0).inserted
    }
    return addresses.map { address in
        if own.contains(address.address) {
            return Target(address: address, sources: [], obstacle: .localEndpoint)
        }
        guard let way = sourceAddress(towards: address) else {
            return Target(address: address, sources: [], obstacle: .noRoute)
        }
        let pool = configuration.source.addresses.filter {
            $0.isIPv4 == address.address.isIPv4
        }
        // The interface that the kernel would send from must be one of ours, or the endpoint's
        // answers never pass the datapath.
        let isAttached = attachedAddresses.contains(way)
        return Target(
            address: address, sources: pool.isEmpty ? [way] : pool,
            obstacle: isAttached ? nil : .noRoute)
    }
}

/// Routing as the splicers and the relay use it; `names` are the ids of listeners and clusters.
func snapshot(
    _ configuration: Configuration, targets: [Target], listenerIDs: [UInt16], clusterIDs: [UInt16]
) -> RoutingSnapshot {
    var targetIndex: [TransportAddress: Int] = [:]
    for (index, target) in targets.enumerated() { targetIndex[target.address] = index }
    var listeners: [UInt16: ListenerRoutes] = [:]
    for (listener, id) in zip(configuration.listeners, listenerIDs) {
        listeners[id] = ListenerRoutes(listener, id: id)
    }
    let loads = targets.map { _ in EndpointLoad() }
    let clusters = zip(configuration.clusters, clusterIDs).map { cluster, id in
        let places = cluster.endpoints.compactMap { targetIndex[$0.address] }
        let picker = Picker(
            cluster.endpoints, loads: places.map { loads[$0] }, balance: cluster.balance,
            seed: .random(in: 0 ... .max))
        var state = ClusterState(
            id: id, targets: places, connectTimeout: cluster.connectTimeout, picker: picker,
            proxyProtocol: cluster.proxyProtocol, whenEmpty: cluster.whenEmpty)
        state.proxyTLVs = cluster.proxyTLVs
        return state
    }
    return RoutingSnapshot(
        listeners: listeners, clusters: clusters, targets: targets, loads: loads)
}

extension ListenerRoutes {
    init(_ listener: Listener, id: UInt16) {
        self.init(id: id)
        table = listener.routes
        defaultCluster = listener.defaultCluster
        nonTLSCluster = listener.nonTLSCluster
        rejection = listener.reject
        helloLimit = listener.hello.maxSize
        helloTimeout = listener.hello.timeout
        lateGoesToDefault = listener.hello.onTimeout == .default
        largeGoesToDefault = listener.hello.onTooLarge == .default
        isSniffed = listener.mode == .tls
        serverFirstAfter = listener.hello.serverFirstAfter
        proxySenders = listener.proxySenders
    }
}

extension NetworkInterface {
    /// Which programs its packets need.
    var link: LinkKind { isRaw ? .raw : .ethernet }
}
