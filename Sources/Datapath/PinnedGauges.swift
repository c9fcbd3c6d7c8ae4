// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
public import KernelBPF

/// How full the pinned maps of an instance are, and what its programs did; with or without a daemon.
public struct PinnedGauges: ~Copyable, Sendable {
    /// How full a map is.
    public struct Usage: Sendable, Equatable {
        /// The map's name.
        public let map: String
        /// Entries in it; nil: they were not counted.
        public let used: Int?
        /// Entries that it has room for.
        public let capacity: Int

        /// Of a map of that name.
        public init(map: String, used: Int?, capacity: Int) {
            self.map = map
            self.used = used
            self.capacity = capacity
        }
    }

    /// Maps that have entries or not; the others are arrays, whose size is all there is to say.
    private static let maps = [
        "flows", "handshakes", "listeners", "adopted", "relayed", "names", "server_names",
    ]
    private static let programs = [
        "flows_ethernet", "flows_raw", "handshake_ethernet", "handshake_raw", "egress_ethernet",
        "egress_raw", "end_splices", "merge_row", program,
    ]
    /// The program that knows how many entries the maps have, and its pin.
    static let program = "map_usage"

    private let pins: PinDirectory
    private let state: BPFMap<UInt32, instance_state>
    private let counterMap: BPFMap<UInt32, UInt64>
    private let daemonCounterMap: BPFMap<UInt32, UInt64>

    /// Opens the maps of `instance`.
    public init(instance: String) throws(BPFError) {
        let pins = PinDirectory(instance: instance)
        guard pins.exists else { throw PinnedFlowTable.missing(pins) }
        let state = try BPFMap<UInt32, instance_state>(
            name: "instance", owning: openPin(pins.pin("instance")))
        let counters = try BPFMap<UInt32, UInt64>(
            name: "counters", owning: openPin(pins.pin("counters")))
        let daemonCounters = try BPFMap<UInt32, UInt64>(
            name: "daemon_counters", owning: openPin(pins.pin("daemon_counters")))
        self.pins = pins
        self.state = state
        counterMap = counters
        daemonCounterMap = daemonCounters
    }

    /// How large each map is and how full. The kernel knows (Linux 6.6); an older one does not, and
    /// then the maps are read through, unless `isThorough` is false.
    public borrowing func usage(isThorough: Bool = true) throws(BPFError) -> [Usage] {
        let known = knownUsage()
        var usage: [Usage] = []
        for name in Self.maps {
            let gauge = try MapGauge(name: name, pinnedAt: pins.pin(name))
            var used = known?[name]
            if used == nil, isThorough { used = try gauge.count() }
            usage.append(Usage(map: name, used: used, capacity: gauge.capacity))
        }
        return usage
    }

    /// What the program says; nil where it is not there, or may not be run.
    private borrowing func knownUsage() -> [String: Int]? {
        guard BPFFilesystem.exists(pins.pin(Self.program)),
            let program = try? BPFProgram(
                name: Self.program, pinnedAt: pins.pin(Self.program)),
            let usage = try? program.run(with: map_usage())
        else { return nil }
        let numbers = [
            usage.flows, usage.handshakes, usage.listeners, usage.adopted, usage.relayed,
            usage.names, usage.server_names,
        ]
        return Dictionary(
            uniqueKeysWithValues: zip(Self.maps, numbers.map { Int(clamping: $0) }))
    }

    /// Entries of the flow table up to which the last daemon splices; nil: it did not say.
    public borrowing func admittedEntries() -> Int? {
        let admitted = state.value(of: 0)?.admitted_entries ?? 0
        return admitted == 0 ? nil : Int(admitted)
    }

    /// Whether a daemon serves the instance.
    public borrowing func isServed() -> Bool { InstanceLock.isHeld(pins) }

    /// Whether the configuration in force is the one that was asked for last.
    public borrowing func lastReloadIsOK() -> Bool { state.value(of: 0)?.reload_refused != 1 }

    /// What the datapath decided, by reason.
    public borrowing func datapathCounters() -> [(name: String, value: UInt64)] {
        DatapathCounter.allCases.map { ($0.name, counterMap.sum(of: $0.rawValue)) }
    }

    /// What the daemon counted, as the last one left it.
    public borrowing func daemonCounters() -> [(name: String, value: UInt64)] {
        DaemonCounter.allCases.map { ($0.name, daemonCounterMap.value(of: $0.rawValue) ?? 0) }
    }

    /// What each program did, those of the same name together, while the kernel counted; nil when it
    /// does not at present (``KernelBPF/ProgramStatistics/areOn``).
    public borrowing func programs() throws(BPFError) -> [ProgramStatistics]? {
        guard ProgramStatistics.areOn else { return nil }
        var maps: Set<UInt32> = []
        for name in ["flows", "counters"] {
            maps.insert(try MapGauge(name: name, pinnedAt: pins.pin(name)).id)
        }
        var sums: [String: ProgramStatistics] = [:]
        for program in try ProgramStatistics.programs(using: maps) {
            // The kernel keeps 15 bytes of a name.
            let name = Self.programs.first { $0.prefix(15) == program.name } ?? program.name
            var sum = sums[name] ?? ProgramStatistics(name: name, runs: 0, nanoseconds: 0)
            sum.runs += program.runs
            sum.nanoseconds += program.nanoseconds
            sums[name] = sum
        }
        return sums.values.sorted { $0.name < $1.name }
    }
}

extension KernelDatapath {
    /// Tells whoever reads the maps up to how many entries of the flow table flows are spliced.
    public func publish(admittedEntries: Int) {
        changeState { $0.admitted_entries = UInt32(clamping: admittedEntries) }
    }
}
