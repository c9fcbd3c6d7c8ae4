// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
import KernelBPF
import KernelSockets
import Settings
import WireTypes

/// The lists and limits of clients' sources, asked for clients of listening sockets: the datapath
/// does not see them.
struct SourceGates: Sendable {
    private struct Gate: Sendable {
        var access: AccessTable?
        var paces: SourcePaces?
        var isDryRun = false

        init(_ access: AccessList, _ limit: SourceLimit?) {
            if !access.isEmpty { self.access = AccessTable(access) }
            if let limit, limit.rate != nil { paces = SourcePaces(limit) }
            isDryRun = limit?.isDryRun ?? false
        }
    }

    private let process: Gate
    private let listeners: [UInt16: Gate]

    /// nil when nothing is asked.
    init?(_ configuration: Configuration, listenerIDs: [UInt16]) {
        guard configuration.asksForSources else { return nil }
        process = Gate(configuration.limits.access, configuration.limits.perSource)
        listeners = Dictionary(
            zip(listenerIDs, configuration.listeners).map { ($0, Gate($1.access, $1.perSource)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Why a client of a listening socket is reset, or would be; nil when it may stay.
    func refusal(of source: IPAddress, at listener: UInt16) -> DaemonCounter? {
        let gates = [process, listeners[listener]].compactMap(\.self)
        if gates.contains(where: { $0.access?.admits(source) == false }) { return .socketDenied }
        let now = MonotonicClock.nanoseconds
        var found: DaemonCounter?
        for gate in gates where gate.paces?.take(source, now: now) == false {
            if !gate.isDryRun { return .socketTooFast }
            found = .socketFastDryRun
        }
        return found
    }
}

/// The same for the datapath.
extension Configuration {
    fileprivate var asksForSources: Bool {
        !limits.access.isEmpty || limits.perSource != nil
            || listeners.contains { !$0.access.isEmpty || $0.perSource != nil }
    }

    /// What maps about sources must have room for.
    var sourceRooms: SourceRooms {
        var rooms = SourceRooms()
        guard asksForSources else { return rooms }
        let all = [limits.perSource] + listeners.map(\.perSource)
        rooms.rules = ([limits.access] + listeners.map(\.access)).reduce(0) { $0 + $1.rules.count }
        rooms.limits = listeners.count + 2
        if all.contains(where: { $0?.rate != nil }) { rooms.paces = limits.trackedSources }
        if all.contains(where: { $0?.connections != nil }) { rooms.full = limits.trackedSources }
        return rooms
    }

    /// The numbers of lists and limits for the listener at that place: 1 is the process's, others
    /// follow in the order of the listeners.
    func sourceNumbers(ofListener index: Int) -> SourceNumbers {
        let listener = listeners[index]
        let own = UInt16(clamping: index + 2)
        var numbers = SourceNumbers()
        if !limits.access.isEmpty { numbers.processList = 1 }
        if limits.perSource != nil { numbers.processLimit = 1 }
        if !listener.access.isEmpty { numbers.ownList = own }
        if listener.perSource != nil { numbers.ownLimit = own }
        return numbers
    }

    /// Fills the datapath's lists and limits, before any listener names them.
    func giveSources(to datapath: KernelDatapath) throws(BPFError) {
        let all = [(limits.access, limits.perSource)] + listeners.map { ($0.access, $0.perSource) }
        for (index, (access, limit)) in all.enumerated() {
            let number = UInt16(clamping: index + 1)
            let refusal: SourceRule = access.refusal == .reset ? .isReset : .isDropped
            try datapath.add(
                access.rules.map { ($0.block, $0.mayConnect ? .mayConnect : refusal) },
                toList: number)
            if let limit { try datapath.set(SourceAllowance(limit), asLimit: number) }
        }
    }
}

extension SourceAllowance {
    fileprivate init(_ limit: SourceLimit) {
        self.init()
        interval = limit.rate?.interval ?? 0
        tolerance = limit.tolerance
        prefixLengthV4 = limit.prefixLengthV4
        prefixLengthV6 = limit.prefixLengthV6
        resets = limit.refusal == .reset
        isDryRun = limit.isDryRun
        countsConnections = limit.connections != nil && !limit.isDryRun
    }
}
