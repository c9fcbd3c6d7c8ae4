// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import KernelSockets
import Logging
import Splicing
import Synchronization
import WireTypes

/// What the datapath picks endpoints of plain listeners by. It follows health, weights and ways within
/// a tenth of a second, on a thread of its own.
final class PlainTables: Sendable {
    fileprivate struct Entry {
        var picker: Picker
        let cluster: UInt16
        /// Places of the cluster's endpoints in the snapshot's targets.
        let targets: [Int]
        let hashesPort: Bool
        /// The states that the tables are of; nil: none was written yet.
        var version: UInt64?
        /// What the datapath has.
        var written: [Bool: PlainTable] = [:]
    }

    private struct State {
        var entries: [UInt16: Entry] = [:]
        var targets: [Target] = []
        /// Tables of listeners that are not plain any more.
        var left: [(listener: UInt16, isIPv4: Bool)] = []
        /// What the datapath was told; nil: an earlier daemon's word may stand there.
        var isFull: Bool?
    }

    private let datapath: KernelDatapath
    private let admission: FlowAdmission
    private let logger: Logger
    private let state = Mutex(State())
    private let thread = Mutex<PeriodicThread?>(nil)

    init(_ datapath: KernelDatapath, _ admission: FlowAdmission, _ logger: Logger) {
        self.datapath = datapath
        self.admission = admission
        self.logger = logger
    }

    /// Follows what changes from now on.
    func start() throws {
        let running = try PeriodicThread(name: "plain", every: .milliseconds(100)) { [self] in
            state.withLock { look(&$0) }
        }
        thread.withLock { $0 = running }
    }

    /// Ends the thread and waits for it.
    func stop() { thread.withLock { $0.take() }?.stop() }

    /// Goes by another configuration; returns when the datapath does.
    func use(_ routes: RoutingSnapshot) {
        state.withLock { state in
            var entries: [UInt16: Entry] = [:]
            for (id, listener) in routes.listeners where listener.isPlain {
                guard let place = listener.defaultCluster else { continue }
                let cluster = routes.clusters[place]
                entries[id] = Entry(
                    picker: cluster.picker, cluster: cluster.id, targets: cluster.targets,
                    hashesPort: cluster.picker.hashesPort,
                    written: state.entries[id]?.written ?? [:])
            }
            state.left += state.entries.filter { entries[$0.key] == nil }.flatMap { id, entry in
                entry.written.keys.map { (id, $0) }
            }
            state.entries = entries
            state.targets = routes.targets
            look(&state)
        }
    }

    /// Removes the tables of listeners that are plain no more, once the datapath knows.
    func forgetLeft() {
        state.withLock { state in
            for (id, isIPv4) in state.left where state.entries[id] == nil {
                try? datapath.setPlainTable(nil, listener: id, isIPv4: isIPv4)
            }
            state.left = []
        }
    }

    /// Goes by other ways to the same endpoints.
    func follow(_ targets: [Target]) {
        state.withLock { state in
            state.targets = targets
            for id in state.entries.keys { state.entries[id]?.version = nil }
            look(&state)
        }
    }

    private func look(_ state: inout State) {
        let isFull = admission.current >= admission.limit
        if isFull != state.isFull {
            datapath.setTableFull(isFull)
            state.isFull = isFull
        }
        for id in state.entries.keys {
            guard var entry = state.entries[id] else { continue }
            let version = entry.picker.states.version
            guard version != entry.version || entry.picker.isWarming else { continue }
            entry.version = version
            let slots = entry.picker.slots(now: MonotonicClock.nanoseconds)
            for isIPv4 in [true, false] {
                write(slots, &entry, state.targets, listener: id, isIPv4: isIPv4)
            }
            state.entries[id] = entry
        }
    }

    private func write(
        _ slots: [UInt16], _ entry: inout Entry, _ targets: [Target], listener: UInt16,
        isIPv4: Bool
    ) {
        let table = entry.table(slots, targets, isIPv4: isIPv4)
        let written = entry.written[isIPv4]
        // The kernel takes some ten milliseconds to write one.
        guard table != written, written != nil || !table.endpoints.isEmpty else { return }
        do {
            try datapath.setPlainTable(table, listener: listener, isIPv4: isIPv4)
            entry.written[isIPv4] = table
        } catch {
            // Tried again in a moment.
            entry.version = nil
            logger.warning("cannot balance plain clients", metadata: ["error": "\(error)"])
        }
    }
}

extension PlainTables.Entry {
    /// Clients of an endpoint that cannot be translated to, of another family or on this host, go to
    /// those that can.
    fileprivate func table(
        _ slots: [UInt16], _ all: [Target], isIPv4: Bool
    ) -> PlainTable {
        var endpoints: [PlainTable.Endpoint] = []
        var places: [UInt16: UInt16] = [:]
        for (index, place) in targets.enumerated() {
            let target = all[place]
            guard target.obstacle == nil, !target.sources.isEmpty,
                target.address.address.isIPv4 == isIPv4,
                // Names may stand for more addresses than the configuration could count.
                endpoints.count < PlainTable.endpointLimit
            else { continue }
            places[UInt16(index)] = UInt16(endpoints.count)
            endpoints.append(
                PlainTable.Endpoint(
                    address: target.address, sources: target.sources, index: UInt16(index)))
        }
        // Of those only who serves.
        let serving = Set(slots).compactMap { places[$0] }.sorted()
        let owners = slots.enumerated().map { slot, owner -> UInt16 in
            if let place = places[owner] { return place }
            return serving.isEmpty ? Picker.nobody : serving[slot % serving.count]
        }
        return PlainTable(
            cluster: cluster, hashesPort: hashesPort, endpoints: endpoints, slots: owners)
    }
}
