// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import Foundation
internal import Glibc
public import KernelBPF
internal import Synchronization

/// The loaded datapath: programs, maps and rings of one instance.
///
/// Methods that write maps are safe from any thread. Kernel 5.17 (bpf_loop), syncookie helpers 6.0.
public final class KernelDatapath: Sendable {
    /// Where it is pinned.
    public let pins: PinDirectory
    /// What it was loaded with.
    public let options: DatapathOptions

    let programs: [LinkKind: ProgramSet]
    /// Loaded only when rows are to be merged.
    let merging: BPFProgram?

    let flows: BPFMap<flow_tuple, flow_entry>
    let ways: BPFMap<UInt32, way>
    let handshakes: BPFMap<flow_tuple, handshake_note>
    let listeners: BPFMap<listener_key, listener_entry>
    let adopted: BPFMap<flow_tuple, adopted_entry>
    let relayed: BPFMap<flow_tuple, relayed_entry>
    let sourceRules: BPFMap<source_rule_key, UInt32>
    let sourceLimits: BPFMap<UInt32, source_limit>
    let fullSources: BPFMap<source_key, UInt32>
    let endpoints: BPFMap<listener_key, UInt32>
    let names: BPFMap<UInt32, name_entry>
    let serverNames: BPFMap<UInt32, server_name_entry>
    let instanceState: BPFMap<UInt32, instance_state>
    /// Held while a member of it is changed.
    let instanceStateLock = Mutex(())
    let counters: BPFMap<UInt32, UInt64>
    let daemonCounters: BPFMap<UInt32, UInt64>
    let rings: BPFMap<UInt32, Int32>
    let openings: BPFMap<flow_tuple, flow_entry>
    let plainTables: BPFMap<UInt32, Int32>
    let knownNames: BPFMap<known_name, known_route>
    let knownTargets: MappedArray
    let templates: MappedArray
    let workerStates: MappedArray
    let spliceEnds: MappedArray
    let endSplices: BPFProgram
    let attachments = Mutex<[Attachment]>([])
    /// Until then no adopted client is believed to be closed: CLOCK_MONOTONIC nanoseconds.
    let adoptedAreOpenUntil = Mutex<UInt64>(0)

    /// Maps that a restart finds again.
    private static let pinnedMaps = [
        "flows", "ways", "handshakes", "listeners", "adopted", "relayed", "templates", "rings",
        "names", "server_names", "instance", "counters", "daemon_counters", "openings",
        "own_templates",
    ]

    /// Loads the object; takes over the maps that are pinned already, with all flows in them.
    public init(_ options: DatapathOptions) throws(BPFError) {
        self.options = options
        pins = PinDirectory(instance: options.instance)
        let bytes = EmbeddedObject.datapath.bytes
        let object = try BPFObject(bytes.span, name: "datapath")
        try object.set(constant: "workers", to: UInt32(options.workers))
        try object.set(constant: "needs_heartbeat", to: UInt32(options.needsHeartbeat ? 1 : 0))
        try object.set(constant: "source_ports", to: Self.portRanges(options.sourcePorts))
        try object.set(constant: "tells_age", to: UInt32(options.tellsAge ? 1 : 0))
        try object.set(constant: "has_plain", to: UInt32(options.openings > 0 ? 1 : 0))
        try object.set(constant: "plain_ports", to: Self.portRanges(options.plainPorts))
        try object.set(
            constant: "plain_port_count",
            to: UInt32(options.plainPorts.prefix(8).reduce(0) { $0 + $1.count }))
        try object.set(constant: "ipv6_csum_flag", to: UInt64(Self.isLinux(6, 16) ? 1 << 7 : 0))
        try object.set(constant: "sees_kernel_skb", to: UInt32(Self.isLinux(6, 2) ? 1 : 0))
        try object.set(capacity: options.flows, ofMap: "flows")
        try object.set(capacity: options.handshakes, ofMap: "handshakes")
        try object.set(capacity: max(options.openings, 1), ofMap: "openings")
        try object.set(
            capacity: options.workers * Int(KNOWN_TARGETS_MAX), ofMap: "known_targets")
        try object.set(capacity: options.workers * 2 * KnownNames.limit, ofMap: "known_names")
        try Self.makeRoom(options.sources, in: object)
        try object.set(capacity: options.endpoints, ofMap: "endpoints")
        if !options.isPrivate {
            try pins.create()
            Self.makeRoomForOpenings(options, pins)
            for name in Self.pinnedMaps {
                try object.set(pinPath: pins.pin(name), ofMap: name)
            }
        }
        for kind in LinkKind.allCases where !options.links.contains(kind) {
            try ProgramSet.omit(kind, from: object)
        }
        if !options.mergesRows { try object.omit(program: "merge_row") }
        let tellsUsage = !options.isPrivate && Self.isLinux(6, 6)
        if !tellsUsage { try object.omit(program: PinnedGauges.program) }
        do {
            try object.load()
        } catch {
            guard let complaint = KernelFeature.complaint(about: kernelNeeds) else { throw error }
            throw BPFError(complaint, errno: error.errno)
        }
        var programs: [LinkKind: ProgramSet] = [:]
        for kind in options.links { programs[kind] = try ProgramSet(kind, of: object) }
        self.programs = programs
        merging = options.mergesRows ? try object.program("merge_row") : nil
        flows = try BPFMap(name: "flows", owning: object.map("flows"))
        ways = try BPFMap(name: "ways", owning: object.map("ways"))
        handshakes = try BPFMap(name: "handshakes", owning: object.map("handshakes"))
        listeners = try BPFMap(name: "listeners", owning: object.map("listeners"))
        adopted = try BPFMap(name: "adopted", owning: object.map("adopted"))
        relayed = try BPFMap(name: "relayed", owning: object.map("relayed"))
        sourceRules = try BPFMap(name: "source_rules", owning: object.map("source_rules"))
        sourceLimits = try BPFMap(name: "source_limits", owning: object.map("source_limits"))
        fullSources = try BPFMap(name: "full_sources", owning: object.map("full_sources"))
        endpoints = try BPFMap(name: "endpoints", owning: object.map("endpoints"))
        names = try BPFMap(name: "names", owning: object.map("names"))
        serverNames = try BPFMap(name: "server_names", owning: object.map("server_names"))
        instanceState = try BPFMap(name: "instance", owning: object.map("instance"))
        counters = try BPFMap(name: "counters", owning: object.map("counters"))
        daemonCounters = try BPFMap(
            name: "daemon_counters", owning: object.map("daemon_counters"))
        rings = try BPFMap(name: "rings", owning: object.map("rings"))
        openings = try BPFMap(name: "openings", owning: object.map("openings"))
        plainTables = try BPFMap(name: "plain_tables", owning: object.map("plain_tables"))
        knownNames = try BPFMap(name: "known_names", owning: object.map("known_names"))
        knownTargets = try MappedArray(
            name: "known_targets", owning: object.map("known_targets"))
        templates = try MappedArray(name: "templates", owning: object.map("templates"))
        workerStates = try MappedArray(
            name: "worker_states", owning: object.map("worker_states"))
        spliceEnds = try MappedArray(name: "splice_ends", owning: object.map("splice_ends"))
        endSplices = try object.program("end_splices")
        if tellsUsage {
            try object.program(PinnedGauges.program).pin(at: pins.pin(PinnedGauges.program))
        }
    }

    /// A map of another size is of a configuration with plain listeners, or without: it goes, and what
    /// was about to stand begins anew by its client's SYN.
    private static func makeRoomForOpenings(_ options: DatapathOptions, _ pins: PinDirectory) {
        let path = pins.pin("openings")
        guard let known = try? capacity(ofMapPinnedAt: path), known != max(options.openings, 1)
        else { return }
        BPFFilesystem.unpin(path)
    }

    /// As `source_ports` of the handshake program: first and last, first > last for none.
    private static func portRanges(_ ranges: [ClosedRange<UInt16>]) -> SIMD16<UInt16> {
        var words = SIMD16<UInt16>()
        for index in 0..<8 {
            let range = index < ranges.count ? ranges[index] : nil
            words[2 * index] = range?.lowerBound ?? 1
            words[2 * index + 1] = range?.upperBound ?? 0
        }
        return words
    }

    /// Whether the kernel is at least of this version: BPF_F_IPV6 of bpf_l4_csum_replace() came with
    /// 6.16, bpf_cast_to_kern_ctx() with 6.2.
    private static func isLinux(_ major: Int, _ minor: Int) -> Bool {
        let version = ProcessInfo.processInfo.operatingSystemVersion
        return (version.majorVersion, version.minorVersion) >= (major, minor)
    }

    /// The programs for a kind of link; asked for only with kinds that were loaded.
    func programs(for kind: LinkKind) throws(BPFError) -> ProgramSet {
        guard let set = programs[kind] else {
            throw BPFError("no programs for \(kind.rawValue) links were loaded")
        }
        return set
    }

    /// SO_PRIORITY of what the daemon sends for a live flow: the egress guard holds back the rest.
    public static var socketPriority: UInt32 { UInt32(DAEMON_PRIORITY) }

    /// How many entries the flow table has room for.
    public var flowCapacity: Int { flows.capacity }
    /// How many handshakes there is room for.
    public var handshakeCapacity: Int { handshakes.capacity }

    /// How many entries may be in use before the kernel might forget a live one.
    ///
    /// Each CPU keeps up to 128 free entries of an LRU map to itself, and all of them together at
    /// most half of the map (kernel/bpf/bpf_lru_list.c). A CPU that has none left evicts, whatever
    /// the others still have.
    public var safeFlowCapacity: Int {
        flowCapacity - min(128 * possibleCPUs, flowCapacity / 2)
    }

    /// The value of a counter, all CPUs together.
    public func value(of counter: DatapathCounter) -> UInt64 {
        counters.sum(of: counter.rawValue)
    }

    /// The value that the last daemon left, or this one published.
    public func value(of counter: DaemonCounter) -> UInt64 {
        daemonCounters.value(of: counter.rawValue) ?? 0
    }

    /// Shows a counter of the daemon to whoever reads the maps.
    public func publish(_ counter: DaemonCounter, _ value: UInt64) {
        try? daemonCounters.set(counter.rawValue, to: value)
    }
}
