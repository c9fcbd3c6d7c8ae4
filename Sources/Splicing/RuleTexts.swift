// SPDX-License-Identifier: Apache-2.0

internal import Balancing
public import ConnectionLogging

/// The texts of the rules that one thread's clients took: made once, then shared.
public struct RuleTexts {
    private struct Place: Hashable {
        var listener: UInt16
        var rule: TakenRule
    }

    private var texts: [Place: RuleText] = [:]
    /// Rules come from a file, but there may be a million of them.
    private static let limit = 65536

    /// No texts yet.
    public init() {}

    /// The rule of a listener as it would be written.
    public mutating func text(of rule: TakenRule?, _ listener: UInt16, in routes: RoutingSnapshot)
        -> RuleText?
    {
        guard let rule else { return nil }
        let place = Place(listener: listener, rule: rule)
        if let text = texts[place] { return text }
        guard let words = Self.words(rule, listener, routes) else { return nil }
        if texts.count >= Self.limit { texts.removeAll(keepingCapacity: true) }
        let text = RuleText(words)
        texts[place] = text
        return text
    }

    /// Another configuration is in force.
    public mutating func forget() { texts.removeAll() }

    private static func words(
        _ rule: TakenRule, _ listener: UInt16, _ routes: RoutingSnapshot
    ) -> String? {
        switch rule {
        case .standard: "default"
        case .nonTLS: "non_tls"
        case .route(let id): routes.listeners[listener].flatMap { routes.describe?($0.table[id]) }
        }
    }
}
