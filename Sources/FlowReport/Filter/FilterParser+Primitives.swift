// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import WireTypes

extension FilterParser {
    /// Words that begin a primitive.
    private static let keywords = [
        "age", "balancer", "bytes", "client", "cluster", "endpoint", "idle", "listener", "mode",
        "packets", "port", "reason", "sni", "state",
    ]

    private static let modes = ["spliced", "relayed"]

    /// What a term may begin with, for messages.
    static let acceptedTerms = (keywords + ["not", "("]).joined(separator: ", ")

    mutating func primitive() throws(FilterError) -> FlowFilter {
        guard let keyword = next, Self.keywords.contains(keyword.text) else {
            throw unknownKeyword()
        }
        advance()
        if let quantity = FlowQuantity(rawValue: keyword.text) { return try compare(quantity) }
        switch keyword.text {
        case "sni": return .serverName(Glob(try value("a name or pattern (*.example.com)")))
        case "cluster": return .cluster(Glob(try value("a name or pattern (kafka*)")))
        case "client": return .client(try address())
        case "endpoint": return .endpoint(try address())
        case "balancer": return .balancer(try address())
        case "listener": return try listener()
        case "port": return .port(try port())
        case "state": return .state(try choice(of: FlowState.self))
        case "reason": return .reason(try choice(of: RelayReason.self))
        default: return .isSpliced(try choice(among: Self.modes) == "spliced")
        }
    }

    private func unknownKeyword() -> FilterError {
        guard let token = next else { return missing(after: "the filter ends", Self.acceptedTerms) }
        let isJoint = ["and", "or", "&&", "||", ")"].contains(token.text)
        let problem =
            isJoint ? "nothing stands before \"\(token.text)\"" : unknown(token, Self.keywords)
        return error(at: token, problem, accepted: Self.acceptedTerms)
    }

    private func unknown(_ token: FilterToken, _ candidates: [String]) -> String {
        let guess = Spelling.suggestion(for: token.text, among: candidates)
        return "unknown word \"\(token.text)\"" + (guess.map { "; did you mean \"\($0)\"?" } ?? "")
    }

    /// The word that follows a keyword.
    private mutating func value(_ accepted: String) throws(FilterError) -> String {
        try argument(accepted).text
    }

    private mutating func argument(_ accepted: String) throws(FilterError) -> FilterToken {
        guard let token = next else {
            throw missing(after: "the filter ends where a value is due", accepted)
        }
        if ["(", ")", "and", "or", "&&", "||"].contains(token.text) {
            throw error(at: token, "\"\(token.text)\" where a value is due", accepted: accepted)
        }
        advance()
        return token
    }

    private mutating func address() throws(FilterError) -> AddressPattern {
        let token = try argument(AddressPattern.accepted)
        if token.text == "port" { return .port(try port()) }
        guard let pattern = AddressPattern(token.text) else {
            throw error(
                at: token, "\"\(token.text)\" is no address", accepted: AddressPattern.accepted)
        }
        return pattern
    }

    private mutating func listener() throws(FilterError) -> FlowFilter {
        let token = try argument("a name or pattern, or " + AddressPattern.accepted)
        if token.text == "port" { return .listenerAddress(.port(try port())) }
        if let pattern = AddressPattern(token.text) { return .listenerAddress(pattern) }
        return .listenerName(Glob(token.text))
    }

    private mutating func port() throws(FilterError) -> UInt16 {
        let accepted = "a port, 1 to 65535"
        let token = try argument(accepted)
        guard let port = Port(text: token.text) else {
            throw error(at: token, "\"\(token.text)\" is no port", accepted: accepted)
        }
        return port.rawValue
    }

    private mutating func compare(_ quantity: FlowQuantity) throws(FilterError) -> FlowFilter {
        let accepted = Comparison.allCases.map(\.rawValue).joined(separator: ", ")
        let sign = try argument(accepted)
        guard let comparison = Comparison(rawValue: sign.text) ?? (sign.text == "==" ? .equal : nil)
        else {
            throw error(
                at: sign, "\"\(sign.text)\" where a comparison is due", accepted: accepted)
        }
        let token = try argument(quantity.acceptedValue)
        guard let limit = quantity.parse(token.text) else {
            throw error(
                at: token, "\"\(token.text)\" cannot be compared with \(quantity.rawValue)",
                accepted: quantity.acceptedValue)
        }
        return .quantity(quantity, comparison, limit)
    }

    private mutating func choice(among words: [String]) throws(FilterError) -> String {
        let accepted = words.joined(separator: ", ")
        let token = try argument(accepted)
        guard words.contains(token.text) else {
            throw error(at: token, unknown(token, words), accepted: accepted)
        }
        return token.text
    }

    private mutating func choice<Word: RawRepresentable<String> & CaseIterable>(
        of type: Word.Type
    ) throws(FilterError) -> Word {
        let words = Word.allCases.map(\.rawValue)
        let text = try choice(among: words)
        guard let word = Word(rawValue: text) else { preconditionFailure("\(text) is a case") }
        return word
    }
}
