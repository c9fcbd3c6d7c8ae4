// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

/// Which filter chains of a listener Envoy has in mind for which clients.
///
/// Envoy narrows its choice in steps: the most specific server name, then the transport protocol, the
/// client's most wanted ALPN, the longest source prefix. It never goes back: when a step leaves
/// nothing, the client goes to the default filter chain. Our rules do go back to less specific names;
/// so where Envoy stops, a rule has to say so.
struct EnvoyMatching {
    /// A name; nil: no chain asks for the client's name.
    typealias Name = NamePattern?

    /// Which of the filter chains a name leads to.
    struct Group {
        let name: Name
        /// Places of the chains for clients that speak TLS, and for those that do not.
        var tls: [Int] = []
        var plain: [Int] = []
        fileprivate var isTLSExact = false
        fileprivate var isPlainExact = false
    }

    private let chains: [EnvoyChain]
    /// In the order of the file.
    private(set) var groups: [Group] = []

    init(_ chains: [EnvoyChain]) {
        self.chains = chains
        var places: [Name: Int] = [:]
        for (index, chain) in chains.enumerated() {
            let names: [Name] = chain.names.isEmpty ? [nil] : chain.names
            for name in names {
                let place = places[name] ?? groups.count
                if place == groups.count {
                    places[name] = place
                    groups.append(Group(name: name))
                }
                Self.add(chain, index, to: &groups[place])
            }
        }
    }

    /// A chain with a transport protocol hides those without one.
    private static func add(_ chain: EnvoyChain, _ index: Int, to group: inout Group) {
        let isExact = chain.transport != nil
        if chain.transport != .rawBuffer, isExact || !group.isTLSExact {
            if isExact, !group.isTLSExact { group.tls = [] }
            group.isTLSExact = isExact
            group.tls.append(index)
        }
        if group.name == nil, chain.transport != .tls, isExact || !group.isPlainExact {
            if isExact, !group.isPlainExact { group.plain = [] }
            group.isPlainExact = isExact
            // Without a hello nobody offers a protocol.
            if chain.protocols.isEmpty { group.plain.append(index) }
        }
    }

    /// Protocols for which Envoy stops at some sources: clients that offer them and come from
    /// elsewhere go to the default filter chain.
    func protocolGaps(_ group: Group) -> [String] {
        var seen: Set<String> = []
        let all = group.tls.flatMap { chains[$0].protocols }.filter { seen.insert($0).inserted }
        return all.filter { name in
            !group.tls.contains {
                chains[$0].protocols.contains(name) && chains[$0].sources.isEmpty
            }
        }
    }

    /// Whether some clients that offer none of the protocols go to the default filter chain.
    func hasGap(_ places: [Int]) -> Bool {
        !places.contains { chains[$0].protocols.isEmpty && chains[$0].sources.isEmpty }
    }

    /// Two chains that take the same clients, which Envoy refuses too.
    var repetitions: [(earlier: Int, later: Int)] {
        var found: [(earlier: Int, later: Int)] = []
        for group in groups {
            for members in [group.tls, group.plain] {
                var first: [[String]: Int] = [:]
                for member in members {
                    for key in keys(of: chains[member]) {
                        if let earlier = first[key], earlier != member {
                            found.append((earlier, member))
                        } else {
                            first[key] = member
                        }
                    }
                }
            }
        }
        return found
    }

    private func keys(of chain: EnvoyChain) -> [[String]] {
        let protocols = chain.protocols.isEmpty ? [""] : chain.protocols
        let sources = chain.sources.isEmpty ? [""] : chain.sources.map(\.description)
        return protocols.flatMap { name in sources.map { [name, $0] } }
    }
}
