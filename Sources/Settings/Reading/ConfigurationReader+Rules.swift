// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import TLSClassifier
internal import WireTypes
internal import Yams

extension ConfigurationReader {
    /// Adds the rules of a listener to its routes.
    func rules(
        _ section: SectionReader<ListenerSection>, _ clusters: ClustersRead,
        _ read: inout RoutesRead
    ) {
        guard let entry = section.entry(ListenerSection.rules), !entry.value.isEmpty else { return }
        guard case .sequence(let nodes) = entry.value else {
            report(
                entry.valuePosition,
                "\"rules\" is \(entry.value.found); write \(ListenerSection.rules.accepted)")
            return
        }
        for node in nodes {
            let entry = Entry(name: "a rule", position: Position(node), value: node)
            guard case .mapping = node,
                let rule = SectionReader<RuleSection>(self, entry, title: "a rule")
            else {
                report(
                    entry.position,
                    "a rule is \(node.found); write a mapping, for example {sni: a.test, to: web}")
                continue
            }
            for route in routes(rule, entry, clusters) { read.append(route, entry.position) }
        }
    }

    /// A route for each name of the rule.
    private func routes(
        _ rule: SectionReader<RuleSection>, _ entry: Entry, _ clusters: ClustersRead
    ) -> [Route] {
        let names = rule.values(RuleSection.names).map(\.value)
        let expression = rule.value(RuleSection.expression)
        let conditions = conditions(rule)
        check(rule, entry)
        // What is wrong with the action was reported; the rule stays, so that nobody misses it.
        let action = action(rule, entry, expression, clusters) ?? .cluster(0)
        var wanted = names.map { RouteName.pattern($0) }
        if let expression { wanted.append(.expression(expression)) }
        if wanted.isEmpty { wanted = [.any] }
        return wanted.map { Route($0, when: conditions, action) }
    }

    private func conditions(_ rule: SectionReader<RuleSection>) -> RouteConditions {
        var conditions = RouteConditions()
        conditions.protocols = rule.values(RuleSection.protocols).map(\.value)
        conditions.sources = rule.values(RuleSection.sources).map(\.value) + sourceFile(rule)
        conditions.tls = rule.value(RuleSection.tls)
        conditions.lowestVersion = rule.value(RuleSection.lowestVersion)
        conditions.hasECH = rule.value(RuleSection.ech)
        conditions.isFirst = rule.value(RuleSection.first)
        return conditions
    }

    /// Keys that do not go together, or too few of them.
    private func check(_ rule: SectionReader<RuleSection>, _ entry: Entry) {
        if let second = rule.entry(RuleSection.expression), rule.mentions(RuleSection.names) {
            report(second.position, "\"sni_regex\" stands beside \"sni\"; write two rules")
        }
        let ofHellos: [any AnyKey] = [
            RuleSection.names, RuleSection.expression, RuleSection.protocols,
            RuleSection.lowestVersion, RuleSection.ech,
        ]
        if rule.value(RuleSection.tls) == .off,
            let other = ofHellos.lazy.compactMap({ self.entry(of: $0, in: rule) }).first
        {
            report(
                other.position,
                "\(quoted(other.name)) is for clients that speak TLS, but \"tls\" is off; "
                    + "write two rules")
        }
        let asking: [any AnyKey] =
            ofHellos + [RuleSection.sources, RuleSection.sourceFile, RuleSection.tls]
        if !asking.contains(where: { mentions($0, in: rule) }) {
            report(
                entry.position,
                "a rule asks nothing of clients; write \"sni\", \"sni_regex\", \"alpn\", "
                    + "\"source\", \"source_file\", \"tls\", \"min_tls\" or \"ech\", or use \"default\""
            )
        }
    }

    private func entry(of key: any AnyKey, in rule: SectionReader<RuleSection>) -> Entry? {
        rule.entry(key)
    }

    private func mentions(_ key: any AnyKey, in rule: SectionReader<RuleSection>) -> Bool {
        rule.mentions(key)
    }
}
