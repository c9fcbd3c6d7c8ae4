// SPDX-License-Identifier: Apache-2.0

import Datapath
import KernelSockets
import Logging
import Relaying
import Synchronization
import TLSClassifier
import WireTypes

/// A policy written as a closure.
struct ScriptedPolicy: RelayPolicy {
    var manner = RelayManner()
    var answer: @Sendable (HelloOutcome) -> RelayDecision

    init(
        _ manner: RelayManner = RelayManner(),
        answer: @escaping @Sendable (HelloOutcome) -> RelayDecision
    ) {
        self.manner = manner
        self.answer = answer
    }

    func manner(listener: UInt16, source: IPAddress) -> RelayManner { manner }

    func decide(
        listener: UInt16, tuple: FlowTuple, named: FlowTuple, outcome: HelloOutcome
    ) -> RelayDecision {
        answer(outcome)
    }

    /// Relays to the first of `endpoints` that accepts, at the first byte.
    static func relaying(
        to endpoints: [TransportAddress], connectTimeout: Duration = .seconds(2)
    ) -> ScriptedPolicy {
        ScriptedPolicy { _ in .relay(plan(endpoints, connectTimeout: connectTimeout)) }
    }
}

/// A plan that tries `endpoints` in turn.
func plan(_ endpoints: [TransportAddress], connectTimeout: Duration = .seconds(2)) -> RelayPlan {
    RelayPlan(
        listener: 7, cluster: 3, reason: .localClient, connectTimeout: connectTimeout
    ) { attempt in
        guard attempt < endpoints.count else { return nil }
        return RelayCandidate(index: UInt16(attempt), address: endpoints[attempt])
    }
}

/// Notes what it is told.
final class RecordingObserver: RelayObserver {
    struct Record {
        var activated: [FlowTuple] = []
        var notAdopted: [any Error] = []
        var opened: [RelayedConnection] = []
        var updated: [RelayedConnection] = []
        var refused: [SocketError] = []
        var closed: [(tuple: FlowTuple, connection: RelayedConnection?)] = []
    }

    private let state = Mutex(Record())
    var record: Record { state.withLock { $0 } }

    /// There is no room for another adopted client.
    struct Full: Error {}

    let isFull: Bool

    init(isFull: Bool = false) { self.isFull = isFull }

    func willActivate(_ tuple: FlowTuple) throws {
        if isFull { throw Full() }
        state.withLock { $0.activated.append(tuple) }
    }
    func didAccept(_ tuple: FlowTuple) -> Bool { false }
    func didFailToAdopt(_ client: AdoptedConnection, _ error: any Error) {
        state.withLock { $0.notAdopted.append(error) }
    }
    func didOpen(_ connection: RelayedConnection) {
        state.withLock { $0.opened.append(connection) }
    }
    func didUpdate(_ connection: RelayedConnection) {
        state.withLock { $0.updated.append(connection) }
    }
    func didFailToConnect(_ connection: RelayedConnection, _ error: SocketError) {
        state.withLock { $0.refused.append(error) }
    }
    func didClose(_ tuple: FlowTuple, _ connection: RelayedConnection?) {
        state.withLock { $0.closed.append((tuple, connection)) }
    }
}

/// A relay that listens on loopback; stopped when the test is over.
final class RelayFixture {
    let relay: Relay
    let observer = RecordingObserver()
    let address: TransportAddress

    init(_ policy: ScriptedPolicy, limits: RelayLimits = RelayLimits()) throws {
        relay = try Relay(
            policy: policy, observer: observer, limits: limits, logger: Logger(label: "test"))
        address = try relay.listen(on: TransportAddress(localhost, 0), listener: 7)
    }

    deinit { relay.stop() }
}

/// The first 12 bytes of a ClientHello of 512 bytes: never enough to be classified.
let helloStart: [UInt8] = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 0]
