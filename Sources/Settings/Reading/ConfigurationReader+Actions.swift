// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Yams

/// What rules do with clients.
extension ConfigurationReader {
    /// The action of a rule; nil when there is none, or a wrong one, which is reported.
    func action(
        _ rule: SectionReader<RuleSection>, _ entry: Entry, _ expression: NameExpression?,
        _ clusters: ClustersRead
    ) -> RouteAction? {
        let given = [RuleSection.target.name, RuleSection.split.name, RuleSection.reject.name]
            .filter { rule.mentions(named: $0) }
        guard given.count == 1 else {
            let found = given.isEmpty ? "nothing" : given.map(quoted).joined(separator: " and ")
            report(
                entry.position,
                "a rule does \(found); write one of \"to\", \"split\" and \"reject\"")
            return nil
        }
        if let sticky = rule.entry(RuleSection.sticky), rule.entry(RuleSection.split) == nil {
            report(sticky.position, "\"sticky\" is for rules with \"split\"; leave it out")
        }
        if let group = rule.entry(RuleSection.split) {
            return split(group, isSticky: rule.value(RuleSection.sticky) == .source, clusters)
        }
        if let policy = rule.value(RuleSection.reject) { return .reject(policy) }
        guard let target = rule.entry(RuleSection.target), rule.value(RuleSection.target) != nil
        else { return nil }
        if case .scalar(let scalar) = target.value, scalar.string.contains("$") {
            return derived(scalar.string, target, expression, clusters)
        }
        return cluster(target, clusters).map { .cluster($0) }
    }

    private func derived(
        _ template: String, _ entry: Entry, _ expression: NameExpression?, _ clusters: ClustersRead
    ) -> RouteAction? {
        guard let derived = DerivedCluster(template, among: clusters.indices ?? [:]) else {
            report(
                entry.valuePosition,
                "\"to\" is \(quoted(template)); write $1 to $9 for what the groups of "
                    + "\"sni_regex\" matched")
            return nil
        }
        guard let expression else {
            report(
                entry.valuePosition,
                "\"to\" is \(quoted(template)), but no \"sni_regex\" has groups for it; "
                    + "write one, or the name of a cluster")
            return nil
        }
        if derived.highestGroup > expression.groupCount {
            report(
                entry.valuePosition,
                "\"to\" is \(quoted(template)), but \"sni_regex\" has \(expression.groupCount) "
                    + "groups")
            return nil
        }
        if derived.clusters.isEmpty, clusters.indices != nil {
            report(
                entry.valuePosition,
                "\"to\" is \(quoted(template)), but no cluster has a name of that form")
            return nil
        }
        return .derived(derived)
    }

    private func split(_ entry: Entry, isSticky: Bool, _ clusters: ClustersRead) -> RouteAction? {
        guard case .mapping(let mapping) = entry.value, !mapping.isEmpty else {
            report(
                entry.valuePosition,
                "\"split\" is \(entry.value.found); write \(RuleSection.split.accepted)")
            return nil
        }
        var shares: [RouteSplit.Share] = []
        let weight = Form.count(0...65535)
        for share in entries(mapping) {
            let index = clusterIndex(named: share.name, "\"split\"", share.position, clusters)
            guard case .scalar(let scalar) = share.value, let number = weight.parse(scalar.string)
            else {
                report(
                    share.valuePosition,
                    complaint("the weight of \(quoted(share.name)) is", share.value, weight))
                continue
            }
            shares.append(RouteSplit.Share(cluster: index ?? 0, weight: number))
        }
        guard shares.contains(where: { $0.weight > 0 }) else {
            report(entry.position, "no cluster of \"split\" has a weight; give one to some")
            return nil
        }
        return .split(RouteSplit(shares, isSticky: isSticky))
    }
}
