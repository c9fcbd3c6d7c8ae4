// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes
internal import Yams

/// A text of Envoy's file and where it stands.
struct EnvoyText {
    let text: String
    let mark: Mark?

    init(_ text: String, _ mark: Mark?) { (self.text, self.mark) = (text, mark) }
}

/// Where the clients of a filter chain go.
enum EnvoyTarget {
    case cluster(EnvoyText)
    case split([(cluster: EnvoyText, weight: Int)])

    /// The clusters that it names.
    var clusters: [String] {
        switch self {
        case .cluster(let name): [name.text]
        case .split(let shares): shares.map(\.cluster.text)
        }
    }
}

/// A filter chain: which clients it takes, and where they go.
struct EnvoyChain {
    let mark: Mark?
    /// Empty: whatever name a client asks for, and none.
    var names: [NamePattern] = []
    /// Empty: whatever protocols a client offers.
    var protocols: [String] = []
    /// Empty: wherever a client comes from.
    var sources: [AddressBlock] = []
    /// Nil: TLS or not.
    var transport: EnvoyTransport?
    var target: EnvoyTarget

    /// Whether Envoy needs to look at the hello for it.
    var asksForHello: Bool { !names.isEmpty || !protocols.isEmpty || transport == .tls }

    /// Where it stands.
    var position: Position { mark.map { Position($0) } ?? Position(line: 1, column: 1) }
}

/// A listener.
struct EnvoyListener {
    let name: EnvoyText
    var addresses: [EnvoyText] = []
    var chains: [EnvoyChain] = []
    var standard: EnvoyChain?
    var helloTimeout = EnvoyDefaults.helloTimeout
    var largestHello: Int?
}

/// A cluster, with the values of our own keys.
struct EnvoyCluster {
    let name: EnvoyText
    var balance = BalancePolicy.roundRobin
    /// Our keys and their values, beside `hash_key`.
    var values: [(key: String, value: EnvoyText)] = []
    /// Keys and values of our `health`, and of our `ejection`; empty: there is none.
    var health: [(key: String, value: EnvoyText)] = []
    var ejection: [(key: String, value: EnvoyText)] = []
    var endpoints: [(address: EnvoyText, weight: Int, priority: Int)] = []
    /// Names and ports that stand for endpoints, in place of those.
    var names: [EnvoyText] = []
    /// Whether the filters that lead here hash the source, and the first of them that says so.
    var hashesSource: (is: Bool, position: Position)?
}
