// SPDX-License-Identifier: Apache-2.0

internal import Balancing
public import ConnectionLogging
internal import Datapath
public import TLSClassifier
internal import WireTypes

/// What the connection log wants to know of clients on their way. Without a log each of these costs
/// one comparison.
extension Splicer where Kernel: ~Copyable {
    func noteBegin(of client: PendingClient) {
        guard log != nil else { return }
        client.facts = ConnectionFacts()
        client.facts.began = client.note.createdNanoseconds
        client.classifiedAt = 0
    }

    mutating func noteHello(
        of client: PendingClient, _ what: Classification, _ listener: ListenerRoutes, now: UInt64
    ) {
        guard log != nil else { return }
        let source = client.origin.source.address
        switch what {
        case .needsMore: return
        case .hello(let hello):
            client.facts.note(hello)
            noteRule(of: client, listener.rule(for: hello, from: source), listener, now: now)
        case .notClassifiable(let reason):
            noteRule(of: client, listener.rule(for: reason, from: source), listener, now: now)
            client.facts.rejection = RejectionReason(reason)
        }
    }

    /// A client whose bytes do not matter.
    mutating func noteUnseen(_ client: PendingClient, _ listener: ListenerRoutes, now: UInt64) {
        guard log != nil else { return }
        let source = client.origin.source.address
        noteRule(of: client, listener.ruleUnseen(from: source), listener, now: now)
    }

    mutating func noteLateness(
        of client: PendingClient, _ listener: ListenerRoutes, now: UInt64
    ) {
        guard log != nil else { return }
        noteRule(of: client, listener.ruleOfLateness, listener, now: now)
        client.facts.rejection = .helloTimeout
    }

    private mutating func noteRule(
        of client: PendingClient, _ rule: TakenRule?, _ listener: ListenerRoutes, now: UInt64
    ) {
        client.facts.noteClassified(now: now)
        client.classifiedAt = now
        client.facts.rule = ruleTexts.text(of: rule, listener.id, in: routes)
    }

    func noteRejection(of client: PendingClient, _ reason: RejectionReason) {
        if log != nil { client.facts.rejection = reason }
    }

    /// Whoever takes the client logs its end.
    func noteHandOver(of client: PendingClient, _ what: HandOver, now: UInt64) {
        guard log != nil else { return }
        var facts = client.facts
        facts.attempts = UInt8(clamping: client.attempts)
        if case .reject = what {
            facts.rejection = rejection(of: client)
        } else {
            facts.rejection = nil
        }
        fallback.note(facts, of: client.client)
    }

    /// The end of a client that nobody takes.
    func logEnd(of client: PendingClient, _ end: ConnectionEnd, now: UInt64) {
        guard let log else { return }
        var record = ConnectionRecord(
            client: client.client, listener: client.note.listener, mode: .rejected, end: end,
            ended: now)
        record.facts = client.facts
        record.facts.attempts = UInt8(clamping: client.attempts)
        record.facts.rejection = end == .rejected ? rejection(of: client) : nil
        record.cluster = client.cluster.map { routes.clusters[$0].id }
        log.append(record)
    }

    private func rejection(of client: PendingClient) -> RejectionReason {
        if client.facts.rejection == .full { return .full }
        if client.cluster != nil || client.attempts > 0 { return .noEndpoint }
        return client.facts.rejection ?? (client.facts.rule == nil ? .noRule : .rule)
    }
}

extension RejectionReason {
    /// What bytes that are no hello are turned away for.
    public init(_ reason: NotClassifiable) {
        self =
            switch reason {
            case .notTLS: .notTLS
            case .malformed, .badServerName: .malformedHello
            case .tooLarge: .helloTooLarge
            }
    }
}
