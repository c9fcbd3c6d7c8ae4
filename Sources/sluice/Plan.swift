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
        do {
            try checkOwnership(configuration)
        } catch {
            throw failure("\(error)")
        }
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

    /// Every address that is listened on is one of this host's; but for those that were listened on
    /// before, which may come back.
    func checkOwnership(_ configuration: Configuration, after earlier: Configuration? = nil) throws
    {
        let own = Set(NetworkInterface.hostAddresses)
            .union(earlier?.listeners.flatMap(\.addresses).map(\.address) ?? [])
        for address in configuration.listeners.flatMap(\.addresses)
        where !address.address.isUnspecified && !own.contains(address.address) {
            throw Refusal(
                "cannot listen on \(address): the address is not one of this host's. "
                    + "Add it to an interface (ip address add), or correct the listener")
        }
    }

    /// Source addresses that endpoints' answers come to us by only if somebody routes them here.
    func foreignSources(_ configuration: Configuration) -> [IPAddress] {
        let own = Set(NetworkInterface.hostAddresses)
        return configuration.source.addresses.filter { !own.contains($0) }
    }

    /// MSS towards clients of a family: what fits through every attached interface.
    func mss(for address: IPAddress) -> UInt16 {
        let mtu = interfaces.map(\.mtu).min() ?? 1500
        return UInt16(clamping: max(mtu - (address.isIPv4 ? 40 : 60), 536))
    }

    /// Payload of a hello's segment that fits through every attached interface, timestamps and all.
    var segmentSize: Int { max((interfaces.map(\.mtu).min() ?? 1500) - 60 - 12, 524) }
}

extension NetworkInterface {
    /// Which programs its packets need.
    var link: LinkKind { isRaw ? .raw : .ethernet }
}
