// SPDX-License-Identifier: Apache-2.0

import ConnectionLogging
import Datapath
import KernelSockets
import Splicing
import Synchronization
import WireTypes

/// A fallback that only notes what it is given.
final class HandOverLog: SpliceFallback {
    struct Entry: Sendable {
        var connection: AdoptedConnection
        var listener: UInt16
        /// `relay 0 table-full a.test`, `classify urgent-data`, `reject alert`.
        var what: String
    }

    private let log = Mutex<[Entry]>([])

    var entries: [Entry] { log.withLock { $0 } }

    /// What was done, in order.
    var words: [String] { entries.map(\.what) }

    private let noted = Mutex<[FlowTuple: ConnectionFacts]>([:])

    /// What it was told for the connection log.
    var facts: [FlowTuple: ConnectionFacts] { noted.withLock { $0 } }

    func note(_ facts: ConnectionFacts, of client: FlowTuple) {
        noted.withLock { $0[client] = facts }
    }

    func take(_ connection: AdoptedConnection, listener: UInt16, _ what: HandOver) {
        let words =
            switch what {
            case .relay(let cluster, _, let reason, let name):
                "relay \(cluster) \(reason.rawValue) \(name?.text ?? "-")"
            case .classify(let reason): "classify \(reason.rawValue)"
            case .reject(let how): "reject \(how)"
            }
        log.withLock {
            $0.append(Entry(connection: connection, listener: listener, what: words))
        }
    }
}
