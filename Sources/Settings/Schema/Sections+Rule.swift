// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import TLSClassifier

/// The keys of one rule in the list `rules` of a listener.
enum RuleSection: Section {
    static let path = "listeners.NAME.rules"
    static let names = ListKey(
        "sni", .namePattern, standard: "any name, and none",
        "The server name, or a \"*.name\" wildcard.")
    static let expression = ValueKey(
        "sni_regex", Form.nameExpression.orAbsent("none"), standard: nil,
        "A regular expression for the whole server name, asked after all names and wildcards.")
    static let protocols = ListKey(
        "alpn", .protocolName, standard: "whatever is offered",
        "Protocols of which the client offers one.")
    static let sources = ListKey(
        "source", .addressBlock, standard: "anywhere", "Where the client connects from.")
    static let sourceFile = ValueKey(
        "source_file", Form.filePath.orAbsent("none"), standard: nil,
        "A file of more of these, one a line, # for comments.")
    static let tls = ValueKey(
        "tls", .choice, standard: Defaults.rule.tls,
        "Whether the client speaks TLS, as far as its first bytes say.")
    static let lowestVersion = ValueKey(
        "min_tls", Form.tlsVersion.orAbsent("any"), standard: nil,
        "The version of TLS that the client must be able to speak, or a higher one.")
    static let ech = ValueKey(
        "ech", Form.onOff.orAbsent("either"), standard: nil,
        "Whether the hello has the extension encrypted_client_hello. Many clients send a meaningless "
            + "one (GREASE), and nobody but the server can tell.")
    static let first = ValueKey(
        "first", .onOff, standard: Defaults.rule.isFirst,
        "Whether it is asked before all rules and routes without this.")
    static let target = ValueKey(
        "to", Form.clusterName.orAbsent("nowhere"), standard: nil,
        "The cluster; with sni_regex, $1 to $9 in it are what its groups matched.")
    static let split = GroupKey(
        "split", "a mapping of cluster names to weights",
        "Clusters that share the clients, each with a weight from 0 to 65535.",
        shape: .mapping(.any, to: .scalar(Form.count(0...65535).shape)))
    static let sticky = ValueKey(
        "sticky", .choice, standard: Stickiness.off,
        "Whether a split sends the same source always to the same cluster.")
    static let reject = ValueKey(
        "reject", Form<RejectPolicy>.choice.orAbsent("no"), standard: nil,
        "How the client is turned away instead.")

    static var keys: [any AnyKey] {
        [
            names, expression, protocols, sources, sourceFile, tls, lowestVersion, ech, first,
            target, split,
            sticky, reject,
        ]
    }
}

/// What keeps a client at its cluster of a split.
enum Stickiness: String, CaseIterable, Sendable {
    case off
    case source
}
