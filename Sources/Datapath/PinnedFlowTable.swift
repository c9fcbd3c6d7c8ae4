// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
public import KernelBPF
internal import WireTypes

/// The pinned maps of an instance as a reader sees them, with or without a daemon.
public struct PinnedFlowTable: ~Copyable, Sendable {
    private let flows: BPFMap<flow_tuple, flow_entry>
    private let ways: BPFMap<UInt32, way>
    private let relayed: BPFMap<flow_tuple, relayed_entry>
    private let counterMap: BPFMap<UInt32, UInt64>
    private let daemonCounterMap: BPFMap<UInt32, UInt64>
    private let listeners: [UInt16: String]
    private let clusters: [UInt16: String]
    private let serverNames: [UInt32: String]

    /// Opens the maps of `instance`.
    public init(instance: String) throws(BPFError) {
        let pins = PinDirectory(instance: instance)
        guard pins.exists else { throw Self.missing(pins) }
        let flows = try BPFMap<flow_tuple, flow_entry>(
            name: "flows", owning: openPin(pins.pin("flows")))
        let ways = try BPFMap<UInt32, way>(name: "ways", owning: openPin(pins.pin("ways")))
        let relayed = try BPFMap<flow_tuple, relayed_entry>(
            name: "relayed", owning: openPin(pins.pin("relayed")))
        let counters = try BPFMap<UInt32, UInt64>(
            name: "counters", owning: openPin(pins.pin("counters")))
        let daemonCounters = try BPFMap<UInt32, UInt64>(
            name: "daemon_counters", owning: openPin(pins.pin("daemon_counters")))
        let names = try BPFMap<UInt32, name_entry>(
            name: "names", owning: openPin(pins.pin("names")))
        let servers = try BPFMap<UInt32, server_name_entry>(
            name: "server_names", owning: openPin(pins.pin("server_names")))
        listeners = Self.names(names, .listener)
        clusters = Self.names(names, .cluster)
        serverNames = Self.serverNames(servers)
        self.flows = flows
        self.ways = ways
        self.relayed = relayed
        counterMap = counters
        daemonCounterMap = daemonCounters
    }

    static func missing(_ pins: PinDirectory) -> BPFError {
        if let obstacle = pins.obstacle { return obstacle }
        guard let other = pins.otherVersions.first else {
            return BPFError(
                "no instance \(pins.instance): nothing pinned under \(pins.path); "
                    + "is sluice running?")
        }
        return BPFError(
            "instance \(pins.instance) is of another version: \(other.path) exists, "
                + "\(pins.path) does not",
            detail: "Use the flowdump that came with that sluice, or start this version's, which "
                + "takes its flows over")
    }

    private static func names(_ map: borrowing BPFMap<UInt32, name_entry>, _ kind: NameKind)
        -> [UInt16: String]
    {
        var names: [UInt16: String] = [:]
        for key in map.keys() where key >> 16 == kind.rawValue {
            guard let entry = map.value(of: key) else { continue }
            names[UInt16(truncatingIfNeeded: key)] = text(of: entry.text)
        }
        return names
    }

    private static func serverNames(_ map: borrowing BPFMap<UInt32, server_name_entry>)
        -> [UInt32: String]
    {
        var names: [UInt32: String] = [:]
        try? map.forEachBatch { keys, entries in
            for index in 0..<keys.count { names[keys[index]] = text(of: entries[index].text) }
        }
        return names
    }

    /// The interface of each slot; 0: none. All at once, not a system call a row.
    private static func interfaces(_ map: borrowing BPFMap<UInt32, way>) -> [UInt32] {
        var interfaces = [UInt32](repeating: 0, count: map.capacity)
        try? map.forEachBatch { slots, ways in
            for index in 0..<slots.count {
                interfaces[Int(slots[index])] = ways[index].hop.ifindex
            }
        }
        return interfaces
    }

    /// A walk that begins.
    public borrowing func walk() -> FlowWalk {
        FlowWalk(capacity: flows.capacity, interfaces: Self.interfaces(ways))
    }

    /// Hands the next connections of `walk` to `body`, some hundreds of them; false when none are
    /// left. Threads may share a walk: each connection is told to one of them, spliced ones before
    /// relayed ones. A connection that begins or ends meanwhile may be missed; none is told twice,
    /// for the kernel shows each tuple once.
    public borrowing func nextFlows(
        of walk: FlowWalk, _ body: (Flow) throws -> Void
    ) throws -> Bool {
        let wasSpliced = try flows.nextBatch(of: walk.spliced) { keys, entries in
            for pair in walk.pairs(keys, entries) { try body(flow(pair, walk)) }
        }
        if wasSpliced { return true }
        return try relayed.nextBatch(of: walk.relayed) { keys, entries in
            for index in 0..<keys.count { try body(flow(FlowTuple(keys[index]), entries[index])) }
        }
    }

    /// Both rows of a spliced connection, client → endpoint first, as they are now; nil when it is
    /// over, or its tuple serves another connection. Two system calls.
    public borrowing func rows(of flow: Flow) -> (upstream: SpliceRow, downstream: SpliceRow)? {
        let keys = [flow.upstream.tuple.abi, flow.downstream.tuple.abi]
        let rows = keys.compactMap { key in flows.value(of: key).map { SpliceRow(key, $0) } }
        guard rows.count == 2,
            rows.allSatisfy({ $0.createdNanoseconds == flow.createdNanoseconds })
        else { return nil }
        return (rows[0], rows[1])
    }

    /// The counters with their names, in a fixed order.
    public borrowing func counters() -> [(name: String, value: UInt64)] {
        DatapathCounter.allCases.map { ($0.name, counterMap.sum(of: $0.rawValue)) }
            + DaemonCounter.allCases.map {
                ("daemon_\($0.name)", daemonCounterMap.value(of: $0.rawValue) ?? 0)
            }
    }

    private borrowing func flow(_ pair: FlowWalk.Pair, _ walk: FlowWalk) -> Flow {
        let (up, down) = (pair.upstream, pair.downstream)
        var flow = Flow(
            upstream: FlowDirection(FlowTuple(pair.upstreamKey), up, walk),
            downstream: FlowDirection(FlowTuple(pair.downstreamKey), down, walk),
            state: FlowState(abi: up.state), relayReason: nil,
            listener: listeners[up.listener] ?? String(up.listener),
            cluster: clusters[up.cluster] ?? String(up.cluster),
            serverName: serverNames[up.server_name],
            createdNanoseconds: up.created_ns,
            lastSeenNanoseconds: max(up.lastSeenNanoseconds, down.lastSeenNanoseconds))
        flow.hasTimestamps = up.has(FLOW_FLAG_TIMESTAMPS)
        flow.hasSACK = up.has(FLOW_FLAG_SACK) && !up.has(FLOW_FLAG_STRIP_SACK)
        if up.has(FLOW_FLAG_WINDOW_SCALE) {
            flow.clientScale = up.clientScale
            flow.balancerScale = up.ourScale
            if flow.state != .connecting { flow.endpointScale = down.endpointScale }
        }
        return flow
    }

    private borrowing func flow(_ client: FlowTuple, _ entry: relayed_entry) -> Flow {
        let hasUpstream = entry.upstream.dport != 0
        let nowhere = TransportAddress(.anyIPv4, 0)
        let upstream =
            hasUpstream
            ? FlowTuple(entry.upstream) : FlowTuple(source: nowhere, destination: nowhere)
        var up = FlowDirection(tuple: client, rewrite: upstream)
        up.bytes = entry.upstream_bytes
        var down = FlowDirection(tuple: upstream.reversed, rewrite: client.reversed)
        down.bytes = entry.downstream_bytes
        return Flow(
            upstream: up, downstream: down, state: hasUpstream ? .established : .connecting,
            relayReason: RelayReason(abi: entry.reason),
            listener: listeners[entry.listener] ?? String(entry.listener),
            cluster: clusters[entry.cluster] ?? String(entry.cluster),
            serverName: serverNames[entry.server_name], createdNanoseconds: entry.created_ns,
            lastSeenNanoseconds: entry.last_seen_ns)
    }
}

extension FlowDirection {
    fileprivate init(_ key: FlowTuple, _ entry: flow_entry, _ walk: FlowWalk) {
        self.init(tuple: key, rewrite: FlowTuple(entry.rewrite))
        packets = entry.packets
        bytes = entry.sentBytes
        retransmittedBytes = entry.bytes > bytes ? entry.bytes - bytes : 0
        sequenceDelta = entry.seq_delta
        acknowledgementDelta = entry.ack_delta
        timestampValueDelta = entry.tsval_delta
        timestampEchoDelta = entry.tsecr_delta
        windowShift = Int(entry.window_shift)
        ingressInterface = entry.ingress_ifindex
        egressInterface = walk.interface(ofWay: entry.way)
    }
}
