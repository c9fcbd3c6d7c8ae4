// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import CLibBPF
@testable import Datapath
import DatapathModel
import DatapathTesting
import Glibc
@testable import KernelBPF
import WireTypes

/// What the kernel made of a trial.
struct KernelOutcome {
    var verdict: Int32
    var bytes: [UInt8]
    /// Rows afterwards, in the order of the trial's; nil: gone.
    var rows: [flow_entry?]
    /// Openings afterwards, and rows of flows that were openings before.
    var openings: [Tuple: flow_entry] = [:]
    var opened: [Tuple: flow_entry] = [:]
    var note: handshake_note?
    var isAdopted: Bool
    /// The coarse clock before and after the run.
    var times: (UInt64, UInt64)
    /// Rows of the client of a known name that were not there before.
    var routed: [Tuple: flow_entry] = [:]
    /// What is in the slots that they name, segment by segment; those overwritten are left out.
    var hello: [StoredSegment] = []
    /// When they were made; 0: they were not.
    var clock: UInt64 = 0
    /// The clock after the run.
    var end: UInt64 = 0
    /// Ports that nobody took, by target.
    var portsLeft: [Int] = []
    /// What lies in the slots of `ways` that rows name.
    var ways: [UInt16: way] = [:]

    /// All rows that were read.
    var entries: [flow_entry] {
        var entries = rows.compactMap(\.self)
        for found in [openings, opened, routed] { entries += found.values }
        return entries
    }

    /// What the programs may have read. On a busy machine the clock may have stepped more than once:
    /// then what the run made tells what it read. Of a row, any moment of the same tick will do.
    var moments: [UInt64] {
        guard times.0 < times.1 else { return [times.0] }
        var moments = [times.0, times.1]
        for created in entries.map(\.created_ns) + [note?.created_ns ?? 0]
        where times.0 < created && created < times.1 {
            moments.append(created)
        }
        moments += stride(from: times.0, to: times.1, by: Self.step).dropFirst()
        return moments
    }

    /// The coarse clock's own step (1 s / CONFIG_HZ), or several of them: less than a row's tick.
    private static let step = 4_000_000
}

extension KernelOutcome {
    /// Each of them, with no tick between two readings and with one.
    var readings: [(now: UInt64, earlier: UInt64)] {
        let moments = moments
        return moments.map { ($0, 0) }
            + moments.flatMap { now in moments.filter { $0 < now }.map { (now, $0) } }
    }
}

/// Runs trials in the kernel: some seven system calls a packet, no buffer made anew.
final class KernelSide {
    let bench: TestBench
    private let descriptors: [Int32]
    let sequenceKey: (UInt64, UInt64)
    private let flowMap: Int32
    private var references: [TemplateReference] = []
    private var present: [Tuple] = []
    /// Whether the trial before this one had to do with openings, and which flows may have come of
    /// them.
    private var hadOpenings = false
    private var opened: [Tuple] = []
    /// Names of the datapath's worker, and whether the trial before this one had some.
    var names: KnownNames
    var hadNames = false
    private var out = [UInt8](repeating: 0, count: 16384)
    private var entry = flow_entry()
    /// How many slots of `ways` the trial has.
    var waysLaid: UInt16 = 0

    init(_ bench: TestBench) throws {
        self.bench = bench
        names = KnownNames(bench.datapath, worker: 0)
        let ethernet = try bench.datapath.programs(for: .ethernet)
        let raw = try bench.datapath.programs(for: .raw)
        descriptors = [
            ethernet.flows.descriptor.number, ethernet.handshake.descriptor.number,
            ethernet.egress.descriptor.number, raw.flows.descriptor.number,
            raw.handshake.descriptor.number, raw.egress.descriptor.number,
        ]
        flowMap = bench.datapath.flows.number
        sequenceKey = try bench.datapath.initialSequenceSecret()
        storeTemplates()
        try bench.datapath.expect(
            Family.endpoints.map { TransportAddress($0.address.ip, $0.port) })
        for family in Family.all {
            for (listener, choice) in PlainChoice.all(family).enumerated() {
                try bench.datapath.setPlainTable(
                    choice.table, listener: UInt16(listener), isIPv4: !family.isIPv6)
            }
        }
    }

    private func storeTemplates() {
        var ring = TemplateRing(bench.datapath, worker: 0, seed: .random(in: 0 ... .max))
        for template in Template.all {
            var bytes: [UInt8] = []
            for segment in template.segments { bytes += segment }
            var reference = ring.store(bytes.span, segmentSize: template.segments.first?.count ?? 1)
            // Named but not there: the slot behind has another stamp, or none.
            if template.segments.isEmpty { reference.stamp = 1 }
            reference.segments = .init(template.named)
            references.append(reference)
        }
    }

    private func descriptor(_ trial: Trial) -> Int32 {
        let hook =
            switch trial.hook {
            case .flows: 0
            case .handshake: 1
            case .egress: 2
            }
        return descriptors[trial.link == .ethernet ? hook : hook + 3]
    }

    /// nil: the kernel takes no such packet.
    func run(_ trial: Trial) throws -> KernelOutcome? {
        // Moments of the trial count from here: the clock must not have ticked since.
        var start: UInt64
        repeat {
            start = coarseClock()
            try prepare(trial, start)
        } while coarseClock() != start
        var context = sluice_test_context()
        context.ifindex = bench.interface
        context.ingress_ifindex = trial.isFromHost ? 0 : bench.interface
        context.gso_segs = trial.segments
        context.gso_size = trial.segmentSize
        context.priority = trial.priority
        context.repeat = 1
        var result = sluice_test_outcome()
        var size = UInt32(out.count)
        // Arrays and locals outlive the call; the kernel writes at most `size` bytes.
        let status = unsafe sluice_test_run(
            descriptor(trial), trial.packet, UInt32(trial.packet.count), &out, &size, &context,
            &result)
        guard status == 0 else {
            if status == -EINVAL { return nil }
            throw BPFError("cannot run a trial", errno: -status)
        }
        let after = coarseClock()
        var outcome = KernelOutcome(
            verdict: result.verdict, bytes: [], rows: [], note: nil, isAdopted: false,
            times: (start, after))
        if result.verdict != Verdict.drop.rawValue { outcome.bytes = Array(out[..<Int(size)]) }
        outcome.rows = trial.rows.map { read($0.key) }
        if trial.hook == .handshake { readClient(trial, &outcome) }
        if trial.isPlain { readOpenings(trial, &outcome) }
        if !trial.names.targets.isEmpty { readNames(trial, &outcome) }
        readWays(&outcome)
        return outcome
    }

    private func readOpenings(_ trial: Trial, _ outcome: inout KernelOutcome) {
        for key in bench.datapath.openings.keys() {
            outcome.openings[Tuple(key)] = bench.datapath.openings.value(of: key)
        }
        for row in trial.openings { outcome.opened[row.key] = read(row.key) }
    }

    private func prepareOpenings(_ trial: Trial, _ now: UInt64) throws {
        let datapath = bench.datapath
        for key in datapath.openings.keys() { datapath.openings.remove(key) }
        for key in opened + trial.openings.map(\.key)
        where !trial.rows.contains(where: { $0.key == key }) {
            datapath.flows.remove(key.abi)
        }
        opened = trial.openings.map(\.key)
        for row in trial.openings {
            try datapath.openings.set(row.key.abi, to: laid(row, now))
        }
    }

    private func prepare(_ trial: Trial, _ now: UInt64) throws {
        for key in present where !trial.rows.contains(where: { $0.key == key }) {
            bench.datapath.flows.remove(key.abi)
        }
        present = trial.rows.map(\.key) + trial.routedKeys
        waysLaid = 0
        for row in trial.rows {
            try bench.datapath.flows.set(row.key.abi, to: laid(row, now))
        }
        if trial.hook == .handshake || trial.isPlain || hadOpenings {
            try prepareClients(trial, now)
        }
        if trial.isPlain || hadOpenings { try prepareOpenings(trial, now) }
        hadOpenings = trial.isPlain
        if hadNames || !trial.names.targets.isEmpty { try prepareNames(trial) }
    }

    func read(_ key: Tuple) -> flow_entry? {
        var key = key.abi
        // Both outlive the call, which fills one whole entry.
        return unsafe bpf_map_lookup_elem(flowMap, &key, &entry) == 0 ? entry : nil
    }

    /// A row as the map has it. Fields that no program may touch hold numbers that stand out.
    func entry(_ row: Row, _ template: Int) -> flow_entry {
        var entry = row.abi
        if template >= 0 {
            entry.template_slot = UInt16(references[template].slot)
            entry.template_stamp = references[template].stamp
            entry.template_segments = UInt8(references[template].segments)
        }
        return entry
    }
}

extension KernelSide {
    private func prepareClients(_ trial: Trial, _ now: UInt64) throws {
        let datapath = bench.datapath
        for family in Family.all {
            let key = family.client.abi
            if let note = trial.handshakes.notes[family.client] {
                var note = note
                if note.created == Moment.recent { note.created = now - 10_000_000_000 }
                try datapath.handshakes.set(key, to: note.abi)
            } else {
                datapath.handshakes.remove(key)
            }
            if let closed = trial.handshakes.adopted[family.client] {
                try datapath.adopted.set(key, to: adopted_entry(closed_ns: closed))
            } else {
                datapath.adopted.remove(key)
            }
            let address = family.client.reversed.abi
            let listener = listener_key(addr: address.saddr, port: address.sport, pad: 0)
            if trial.handshakes.address?.0 == family.client.destination {
                try datapath.listeners.set(listener, to: trial.handshakes.listener.abi)
            } else {
                datapath.listeners.remove(listener)
            }
        }
    }

    private func readClient(_ trial: Trial, _ outcome: inout KernelOutcome) {
        guard let address = trial.handshakes.address?.0 else { return }
        for family in Family.all where family.client.destination == address {
            outcome.note = bench.datapath.handshakes.value(of: family.client.abi)
            outcome.isAdopted = bench.datapath.adopted.value(of: family.client.abi) != nil
        }
    }
}

/// CLOCK_MONOTONIC_COARSE: what bpf_ktime_get_coarse_ns() reads.
func coarseClock() -> UInt64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}
