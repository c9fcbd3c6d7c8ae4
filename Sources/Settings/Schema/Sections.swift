// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// The keys of the whole file.
enum FileSection: Section {
    static let path = ""
    static let instance = ValueKey(
        "instance", .instanceName, standard: Defaults.instance,
        "Names the pinned maps and programs, so that several instances can share a host.")
    static let interface = ListKey("interface", .interface, "The interface to attach to.")
    static let interfaces = ListKey("interfaces", .interface, "The same, for several.")
    static let interfaceIndex = ListKey(
        "interface_index", .interfaceIndex, "The same, by index alone.")
    static let attach = ValueKey(
        "attach", .choice, standard: Defaults.attach,
        "How programs are attached; auto takes tcx where the kernel has it, else clsact.")
    static let listeners = GroupKey(
        "listeners", "a mapping of listener names to listeners", "What clients connect to.",
        shape: .named, isRequired: true)
    static let clusters = GroupKey(
        "clusters", "a mapping of cluster names to clusters",
        "Where connections go. A list of endpoints alone is a cluster, too.",
        shape: .mapping(
            Form.objectName.shape, to: .either([ClusterSection.endpoints.shape, .section(nil)])),
        isRequired: true)
    static let source = GroupKey(
        "source", "a mapping", "What connections to endpoints come from.", absent: GroupKey.defaults
    )
    static let resolver = ValueKey(
        "resolver", Form.nameServer.orAbsent("those of resolv.conf"), standard: nil,
        "Who is asked for the names of endpoints_dns.")
    static let limits = GroupKey(
        "limits", "a mapping", "Bounds of what is kept.", absent: GroupKey.defaults)
    static let splicing = ValueKey(
        "splicing", .onOff, standard: Defaults.isSplicing,
        "Whether flows are handed to the kernel; off relays all of them.")
    static let workers = ValueKey(
        "workers", Form.count(1...64).orAbsent("one a core"), standard: Defaults.workers,
        "Threads that classify and route.")
    static let log = GroupKey(
        "log", "a mapping", "What is logged.", absent: GroupKey.defaults)

    static var keys: [any AnyKey] {
        [
            instance, interface, interfaces, interfaceIndex, attach, listeners, clusters, source,
            resolver, limits, splicing, workers, log,
        ]
    }
}

/// The keys of `source`.
enum SourceSection: Section {
    static let path = "source"
    static let addresses = ListKey(
        "addresses", .sourceAddress, standard: "the kernel's choice",
        "Source addresses; each adds its own set of ports.")
    static let ports = ListKey(
        "ports", .portRanges, standard: Form.portRanges.show(Defaults.source.ports),
        "Source ports that nothing else on the host may use; at most 8 ranges.")

    static var keys: [any AnyKey] { [addresses, ports] }
}

/// The keys of `limits`.
enum LimitsSection: Section {
    static let path = "limits"
    static let flows = ValueKey(
        "flows", .count(16...16_777_216), standard: Defaults.limits.flows,
        "Entries of the flow table; a spliced connection takes two.")
    static let watermark = ValueKey(
        "watermark", .percent, standard: Defaults.limits.watermark,
        "How full the flow table may be; above it, connections are relayed.")
    static let handshakes = ValueKey(
        "handshakes", .count(16...16_777_216), standard: Defaults.limits.handshakes,
        "Handshakes remembered; when one is forgotten, its cookie stands in for it.")
    static let halfClassified = ValueKey(
        "half_classified", .count(1...1_000_000), standard: Defaults.limits.halfClassified,
        "Clients whose hello is incomplete; past that, the oldest is rejected.")
    static let idleTimeout = ValueKey(
        "idle_timeout", .duration(.seconds(1)...(.seconds(365 * 24 * 3600))),
        standard: Defaults.limits.idleTimeout, "How long a flow may be silent.")
    static let idleProbe = ValueKey(
        "idle_probe", .onOff, standard: Defaults.limits.idleProbe,
        "Whether both ends of a silent flow are asked whether they live before it is ended.")
    static let keepalives = ValueKey(
        "keepalives_count", .onOff, standard: Defaults.limits.countsKeepalives,
        "Whether keepalives keep a flow from being idle when it is not probed.")
    static let maxLifetime = ValueKey(
        "max_lifetime", .duration(.seconds(1)...(.seconds(365 * 24 * 3600)), or: "never"),
        standard: Defaults.limits.maxLifetime,
        "How long a flow may live; then both ends are reset.")
    static let closedLinger = ValueKey(
        "closed_linger", .duration(.milliseconds(100)...(.seconds(600))),
        standard: Defaults.limits.closedLinger,
        """
        How long a closed flow still translates late packets; at most 500ms where ports run short.
        """)
    static let maxConnections = Bounds.maxConnections("The most connections.")
    static let access = Bounds.access("Who may connect to any listener.")
    static let perSource = Bounds.perSource("What clients of one source may do, at all listeners.")
    static let trackedSources = ValueKey(
        "tracked_sources", .count(1024...16_777_216), standard: Defaults.limits.trackedSources,
        "Sources whose pace is remembered; when one is forgotten, it begins anew.")

    static var keys: [any AnyKey] {
        [
            flows, watermark, handshakes, halfClassified, idleTimeout, idleProbe, keepalives,
            maxLifetime, closedLinger, maxConnections, access, perSource, trackedSources,
        ]
    }
}

/// The keys of `log`.
enum LogSection: Section {
    static let path = "log"
    static let format = ValueKey(
        "format", .choice, standard: Defaults.log.format, "Text for people, or JSON lines.")
    static let level = ValueKey(
        "level", .choice, standard: Defaults.log.level, "The least level that is written.")
    static let connections = ValueKey(
        "connections", .connectionLogPlace, standard: Defaults.log.connections,
        "Where one JSON line is written for each connection that is over; a file is opened anew with "
            + "each reload.")

    static var keys: [any AnyKey] { [format, level, connections] }
}
