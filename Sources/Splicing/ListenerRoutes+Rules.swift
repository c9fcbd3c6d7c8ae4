// SPDX-License-Identifier: Apache-2.0

public import Balancing
public import TLSClassifier
public import WireTypes

/// Which rule a client took, for the connection log: asked beside the answers, which stay as quick as
/// they are.
public enum TakenRule: Hashable, Sendable {
    /// A route of the listener's table.
    case route(RouteID)
    /// `default`.
    case standard
    /// `non_tls`.
    case nonTLS
}

extension ListenerRoutes {
    /// Beside ``answer(to:from:)-(ClientHello,_)``.
    public func rule(for hello: ClientHello, from source: IPAddress) -> TakenRule? {
        rule(for: RouteQuery(hello, from: source)) ?? standardRule
    }

    /// Beside the answer to bytes that are no hello.
    public func rule(for reason: NotClassifiable, from source: IPAddress) -> TakenRule? {
        switch reason {
        case .notTLS:
            rule(for: RouteQuery(notTLSFrom: source)) ?? (nonTLSCluster == nil ? nil : .nonTLS)
        case .tooLarge: largeGoesToDefault ? standardRule : nil
        case .malformed, .badServerName: nil
        }
    }

    /// Beside ``answerToLateness``.
    public var ruleOfLateness: TakenRule? { lateGoesToDefault ? standardRule : nil }

    /// Beside ``answerUnseen(from:)`` and ``answerToSilence(from:)``.
    public func ruleUnseen(from source: IPAddress) -> TakenRule? {
        isSniffed ? standardRule : rule(for: RouteQuery(notTLSFrom: source)) ?? standardRule
    }

    private func rule(for query: RouteQuery) -> TakenRule? {
        table.match(query).map { .route($0.id) }
    }

    private var standardRule: TakenRule? { defaultCluster == nil ? nil : .standard }
}
