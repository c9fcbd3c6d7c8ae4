// SPDX-License-Identifier: Apache-2.0

import Balancing
import Datapath
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

extension Configuration {
    fileprivate var asksForSources: Bool {
        !limits.access.isEmpty || limits.perSource != nil
            || listeners.contains { !$0.access.isEmpty || $0.perSource != nil }
    }
}
