// SPDX-License-Identifier: Apache-2.0

import ConnectionLogging
import Datapath
import KernelSockets
import Relaying
import Splicing
import Synchronization
import TLSClassifier
import WireTypes

/// What the connection log will say of clients that the relay has, by their tuples.
final class RelayedClients: Sendable {
    private struct Noted {
        var facts = ConnectionFacts()
        var listener: UInt16?
    }

    private struct State {
        var clients: [FlowTuple: Noted] = [:]
        var rules = RuleTexts()
    }

    private let state = Mutex(State())
    private let lane: ConnectionLane

    init(_ lane: ConnectionLane) { self.lane = lane }

    /// Rules are others than before.
    func forgetRules() { state.withLock { $0.rules.forget() } }

    func note(_ facts: ConnectionFacts, of client: FlowTuple) {
        state.withLock { $0.clients[client, default: Noted()].facts = facts }
    }

    func note(listener: UInt16, of client: FlowTuple) {
        state.withLock { $0.clients[client, default: Noted()].listener = listener }
    }

    func noteRejection(_ reason: RejectionReason, of client: FlowTuple) {
        state.withLock { state in
            state.clients[client, default: Noted()].facts.rejection = reason
        }
    }

    /// What a client's first bytes amount to, and the rule that it takes.
    func note(
        _ outcome: HelloOutcome, of client: FlowTuple, from source: IPAddress, listener id: UInt16,
        in routes: RoutingSnapshot
    ) {
        guard let listener = routes.listeners[id] else { return }
        state.withLock { state in
            var noted = state.clients[client] ?? Noted()
            var rule: TakenRule?
            switch outcome {
            case .classified(.needsMore): return
            case .classified(.hello(let hello)):
                noted.facts.note(hello)
                rule = listener.rule(for: hello, from: source)
                noted.facts.rejection = rule == nil ? .noRule : .rule
            case .classified(.notClassifiable(let reason)):
                rule = listener.rule(for: reason, from: source)
                noted.facts.rejection = RejectionReason(reason)
            case .silent:
                rule = listener.ruleUnseen(from: source)
                noted.facts.rejection = rule == nil ? .noRule : .rule
            case .withoutPreface: noted.facts.rejection = .proxyHeader
            case .timedOut, .ended:
                rule = listener.ruleOfLateness
                noted.facts.rejection = .helloTimeout
            }
            noted.facts.rule = state.rules.text(of: rule, id, in: routes)
            state.clients[client] = noted
        }
    }

    /// No socket could be made for it.
    func logFailure(of client: FlowTuple) {
        guard let noted = state.withLock({ $0.clients.removeValue(forKey: client) }),
            let listener = noted.listener
        else { return }
        var record = ConnectionRecord(
            client: client, listener: listener, mode: .rejected, end: .failed,
            ended: MonotonicClock.nanoseconds)
        record.facts = noted.facts
        record.facts.rejection = nil
        lane.append(record)
    }

    func log(_ end: RelayEnd) {
        let noted = state.withLock { $0.clients.removeValue(forKey: end.tuple) } ?? Noted()
        var record = ConnectionRecord(
            client: end.tuple, listener: noted.listener ?? end.listener ?? 0, mode: .rejected,
            end: ConnectionEnd(end.ending), ended: end.ended)
        record.facts = noted.facts
        record.facts.attempts = UInt8(clamping: max(end.attempts, Int(noted.facts.attempts)))
        if record.facts.began == 0 { record.facts.began = end.began }
        record.facts.noteClassified(now: end.planned ?? end.ended)
        record.cluster = end.connection?.cluster
        if let connection = end.connection, let upstream = connection.upstream {
            record.mode = .relayed(connection.reason)
            record.upstream = upstream
            record.noteBytes(connection)
            record.noteTimes(end)
            record.facts.rejection = nil
        } else if end.connection != nil {
            record.facts.rejection = .noEndpoint
        } else if end.ending == .evicted {
            record.facts.rejection = .helloEvicted
        }
        if record.end != .rejected { record.facts.rejection = nil }
        lane.append(record)
    }
}

extension ConnectionRecord {
    fileprivate mutating func noteBytes(_ connection: RelayedConnection) {
        var totals = FlowTotals()
        totals.bytes = connection.upstreamBytes
        sent = totals
        totals.bytes = connection.downstreamBytes
        received = totals
    }

    fileprivate mutating func noteTimes(_ end: RelayEnd) {
        guard let connected = end.connected else { return }
        facts.connectMicroseconds = end.asked.map { .microseconds(from: $0, to: connected) }
        facts.handoffMicroseconds = end.planned.map { .microseconds(from: $0, to: connected) }
    }
}

extension ConnectionEnd {
    fileprivate init(_ ending: RelayEnding) {
        self =
            switch ending {
            case .finClient: .finClient
            case .finEndpoint: .finEndpoint
            case .rstClient: .rstClient
            case .rstEndpoint: .rstEndpoint
            case .idle: .idle
            case .endpointDown: .endpointDown
            case .rejected, .evicted: .rejected
            case .stopped: .stopped
            }
    }
}
