// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes
internal import Yams

/// The filter chains of a listener as our routes and rules.
struct EnvoyRoutes {
    /// `routes`, `rules`, `default` and `non_tls`, as far as there are any.
    private(set) var pairs: [(String, Node)] = []
    /// Places of chains that no client ever gets to.
    private(set) var unreachable: [Int] = []
    private let listener: EnvoyListener
    private let matching: EnvoyMatching
    private var routes: [(String, Node)] = []
    private var rules: [Node] = []

    init(_ listener: EnvoyListener, _ matching: EnvoyMatching) {
        self.listener = listener
        self.matching = matching
        for index in listener.chains.indices { add(index) }
        addGaps()
        if !routes.isEmpty {
            pairs.append((ListenerSection.routes.name, .mapping(routes, listener.name.mark)))
        }
        addRest()
        if !rules.isEmpty {
            pairs.append((ListenerSection.rules.name, .sequence(rules, listener.name.mark)))
        }
    }

    /// A chain as it is, for those of its names that lead to it.
    private mutating func add(_ index: Int) {
        let chain = listener.chains[index]
        let mine = matching.groups.filter { $0.tls.contains(index) || $0.plain.contains(index) }
        guard !mine.isEmpty else { return unreachable.append(index) }
        let names = mine.compactMap(\.name).map(\.description)
        if names.isEmpty {
            // Whoever no other chain takes is said by `default` and `non_tls`.
            if chain.protocols.isEmpty, chain.sources.isEmpty { return }
            let isTLS = mine[0].tls.contains(index)
            let isPlain = mine[0].plain.contains(index)
            return addRule(chain, [], tls: isTLS ? isPlain ? .any : .on : .off, chain.target)
        }
        if case .cluster(let cluster) = chain.target, chain.protocols.isEmpty,
            chain.sources.isEmpty
        {
            routes += names.map { ($0, .scalar(cluster)) }
            return
        }
        addRule(chain, names, tls: .on, chain.target)
    }

    private mutating func addRule(
        _ chain: EnvoyChain, _ names: [String], tls: TLSPresence, _ target: EnvoyTarget?
    ) {
        var pairs: [(String, Node)] = []
        if !names.isEmpty { pairs.append((RuleSection.names.name, .texts(names, chain.mark))) }
        if !chain.protocols.isEmpty {
            pairs.append((RuleSection.protocols.name, .texts(chain.protocols, chain.mark)))
        }
        if !chain.sources.isEmpty {
            let blocks = chain.sources.map(\.description)
            pairs.append((RuleSection.sources.name, .texts(blocks, chain.mark)))
        }
        if names.isEmpty {
            pairs.append((RuleSection.tls.name, .scalar(EnvoyText(tls.rawValue, chain.mark))))
        }
        pairs.append(action(target, chain.mark))
        rules.append(.mapping(pairs, chain.mark))
    }

    /// What a rule does; without a target it turns clients away.
    private func action(_ target: EnvoyTarget?, _ mark: Mark?) -> (String, Node) {
        switch target {
        case .cluster(let cluster): return (RuleSection.target.name, .scalar(cluster))
        case .split(let shares):
            let pairs = shares.map { share in
                (share.cluster.text, Node.scalar(EnvoyText("\(share.weight)", share.cluster.mark)))
            }
            return (RuleSection.split.name, .mapping(pairs, mark))
        case nil:
            return (
                RuleSection.reject.name, .scalar(EnvoyText(Defaults.reject.rawValue, mark))
            )
        }
    }

    /// Where Envoy stops for a name, or for a protocol without a name.
    private mutating func addGaps() {
        for group in matching.groups where !group.tls.isEmpty {
            let first = listener.chains[group.tls[0]]
            let target = listener.standard?.target
            let names = group.name.map { [$0.description] } ?? []
            var gap = EnvoyChain(mark: first.mark, target: first.target)
            gap.protocols = matching.protocolGaps(group)
            if !gap.protocols.isEmpty { addRule(gap, names, tls: .on, target) }
            gap.protocols = []
            if !names.isEmpty, matching.hasGap(group.tls) {
                addRule(gap, names, tls: .on, target)
            }
        }
    }

    /// Who is left: to the chains that ask for nothing, or to the default filter chain.
    private mutating func addRest() {
        let group = matching.groups.first { $0.name == nil }
        let plain = rest(group?.plain ?? [])
        addRest(rest(group?.tls ?? []), ListenerSection.standard, .on)
        // A listener for nothing but plain clients has a rule: one must have some route.
        let hasRoutes = !routes.isEmpty || !rules.isEmpty || !pairs.isEmpty
        addRest(plain, hasRoutes ? ListenerSection.nonTLS : nil, .off)
    }

    /// The chain for those of `places` whom no condition holds back.
    private func rest(_ places: [Int]) -> EnvoyChain? {
        places.lazy.map { [listener] in listener.chains[$0] }
            .first { $0.protocols.isEmpty && $0.sources.isEmpty } ?? listener.standard
    }

    private mutating func addRest(
        _ chain: EnvoyChain?, _ key: ValueKey<String?>?, _ tls: TLSPresence
    ) {
        guard let chain else { return }
        if case .cluster(let cluster) = chain.target, let key {
            return pairs.append((key.name, .scalar(cluster)))
        }
        let bare = EnvoyChain(mark: chain.mark, target: chain.target)
        addRule(bare, [], tls: tls, chain.target)
    }
}
