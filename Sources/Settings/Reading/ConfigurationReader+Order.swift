// SPDX-License-Identifier: Apache-2.0

internal import Balancing

/// What is wrong with the routes of a listener side by side, or may not be meant.
extension ConfigurationReader {
    /// Of two routes that ask the same the second is for nobody.
    func reportRepetitions(in table: RoutingTable, _ read: RoutesRead) {
        var isListedTold = false
        for repetition in table.repetitions {
            let earlier = read.place(of: repetition.earlier)
            let later = read.place(of: repetition.later)
            let name = nameAlone(table[repetition.later])
            if case .listed = later {
                // As of all that is wrong in such a file, the first is told.
                if isListedTold { continue }
                isListedTold = true
            }
            if let name {
                let subject =
                    if case .listed = later { "\(later) has \(name), which" } else { name }
                report(later.position, "\(subject) stands in \(earlier) already; write it once")
            } else {
                report(
                    later.position,
                    "this rule asks the same of clients as what stands in \(earlier); write it once"
                )
            }
        }
    }

    /// The name, if the route asks for nothing else.
    private func nameAlone(_ route: Route) -> String? {
        guard case .pattern(let pattern) = route.name, route.conditions == RouteConditions()
        else { return nil }
        return quoted(pattern.description)
    }

    /// Says of each overlap which of the two wins.
    func warnOfOverlaps(in table: RoutingTable, _ read: RoutesRead) {
        for overlap in table.overlaps {
            let loser = read.place(of: overlap.loser)
            var subject = "this rule"
            var advice = "write \"first: on\" here, or the missing keys"
            if case .listed = loser { (subject, advice) = ("\(loser)", "write it as a rule") }
            let others = overlap.others > 0 ? " and \(overlap.others) more" : ""
            warn(
                loser.position,
                "clients may match \(subject) and \(read.place(of: overlap.winner))\(others), which "
                    + "wins; if this is not meant, \(advice)")
        }
        for hidden in table.hiddenExpressions {
            let winner = read.place(of: hidden.winner)
            let isFirst = table[hidden.loser].conditions.isFirst
            let advice = isFirst ? "take \"first: on\" away there" : "write \"first: on\" here"
            warn(
                read.place(of: hidden.loser).position,
                "no client gets to this rule: all names of its \"sni_regex\" match \(winner), too, "
                    + "and wildcards win; \(advice)")
        }
    }
}
