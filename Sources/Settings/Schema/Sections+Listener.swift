// SPDX-License-Identifier: Apache-2.0

/// The keys of one listener.
enum ListenerSection: Section {
    static let path = "listeners.NAME"
    static let address = ListKey(
        "address", .listenerAddresses,
        "What clients connect to; 0.0.0.0 and :: mean the addresses of the attached interfaces. "
            + "This or addresses must be there.")
    static let addresses = ListKey("addresses", .listenerAddresses, "The same, for several.")
    static let mode = ValueKey(
        "mode", .choice, standard: Defaults.mode,
        "tls routes by the ClientHello; tcp looks at no byte of a client, nor waits for one; plain "
            + "has the kernel alone pick endpoints of the default cluster, from the SYN on.")
    static let acceptProxy = ListKey(
        "accept_proxy", .addressBlock,
        "Where clients come from that must begin with a PROXY header, which tells who they are.")
    static let routes = GroupKey(
        "routes", "a mapping of server names to cluster names",
        "Server names and \"*.name\" wildcards; exact names win, then the longest wildcard.",
        shape: .mapping(Form.namePattern.shape, to: .scalar(Form.clusterName.shape)))
    static let routesFile = ValueKey(
        "routes_file", Form.filePath.orAbsent("none"), standard: nil,
        "A file of more of these, a name and a cluster in each line, # for comments; a change is "
            + "followed at once.")
    static let rules = GroupKey(
        "rules", "a list of rules",
        "Routes that ask for more than a name, or do something else than to name a cluster.",
        shape: .list([.section(nil)]))
    static let wildcards = ValueKey(
        "wildcards", .choice, standard: Defaults.wildcards,
        "Whether *.x matches a.b.x (any_depth) or only a.x (one_label).")
    static let standard = ValueKey(
        "default", Form.clusterName.orAbsent("reject"), standard: nil,
        "The cluster for hellos without a server name, or with one that no route matches. "
            + "This, routes, routes_file or rules must be there.")
    static let nonTLS = ValueKey(
        "non_tls", Form.clusterName.orAbsent("reject"), standard: nil,
        "The cluster for clients whose first bytes are not TLS.")
    static let reject = ValueKey(
        "reject", .choice, standard: Defaults.reject,
        "What a client without a cluster gets: the TLS alert unrecognized_name, RST, FIN or nothing."
    )
    static let hello = GroupKey(
        "hello", "a mapping", "Bounds of the wait for a ClientHello.", absent: GroupKey.defaults)
    static let maxConnections = Bounds.maxConnections("The most connections.")
    static let access = Bounds.access("Who may connect, of those that may connect at all.")
    static let perSource = Bounds.perSource("What clients of one source may do at this listener.")

    static var keys: [any AnyKey] {
        [
            address, addresses, mode, acceptProxy, routes, routesFile, rules, wildcards, standard,
            nonTLS, reject, hello, maxConnections, access, perSource,
        ]
    }
}

/// The keys of `hello` in a listener.
enum HelloSection: Section {
    static let path = "listeners.NAME.hello"
    static let timeout = ValueKey(
        "timeout", .duration(.milliseconds(100)...(.seconds(3600))),
        standard: Defaults.hello.timeout, "How long a client may take for its hello.")
    static let maxSize = ValueKey(
        "max_size", .size(512...65536), standard: Defaults.hello.maxSize,
        "The largest hello, records included.")
    static let onTimeout = ValueKey(
        "on_timeout", .choice, standard: Defaults.hello.onTimeout,
        "What happens then: reject, or the default cluster.")
    static let onTooLarge = ValueKey(
        "on_too_large", .choice, standard: Defaults.hello.onTooLarge,
        "What happens to a larger one: reject, or the default cluster.")

    static let serverFirstAfter = ValueKey(
        "server_first_after", .duration(.milliseconds(10)...(.seconds(3600)), or: "never"),
        standard: nil,
        "How long a client may say nothing before it gets the default cluster, which speaks first.")

    static var keys: [any AnyKey] {
        [timeout, maxSize, onTimeout, onTooLarge, serverFirstAfter]
    }
}
