// SPDX-License-Identifier: Apache-2.0

/// Reads a filter by recursive descent; its operators climb by one table.
struct FilterParser {
    /// Deeper than anybody types, far from the end of the stack.
    private static let deepest = 100

    /// What joins two filters, and how tightly: the higher binds first.
    private enum Joint: Int, CaseIterable {
        case or = 1
        case and = 2

        init?(_ word: String?) {
            switch word {
            case "or", "||": self = .or
            case "and", "&&": self = .and
            default: return nil
            }
        }
    }

    private let text: String
    private let tokens: [FilterToken]
    private var index = 0
    private var depth = 0

    init(_ text: String) {
        self.text = text
        tokens = FilterToken.all(in: text)
    }

    var next: FilterToken? { index < tokens.count ? tokens[index] : nil }

    mutating func advance() { index += 1 }

    mutating func parse() throws(FilterError) -> FlowFilter {
        guard next != nil else { return .all([]) }
        let filter = try expression(above: 0)
        if let extra = next {
            let problem =
                extra.text == ")"
                ? "this \")\" closes nothing" : "\"\(extra.text)\" follows a complete filter"
            throw error(at: extra, problem, accepted: "and, or, the end of the filter")
        }
        return filter
    }

    /// A run of terms whose joints all bind tighter than `limit`.
    private mutating func expression(above limit: Int) throws(FilterError) -> FlowFilter {
        var left = try term()
        while let joint = Joint(next?.text), joint.rawValue > limit {
            var parts = [left]
            while Joint(next?.text) == joint {
                advance()
                parts.append(try expression(above: joint.rawValue))
            }
            left = joint == .and ? .all(parts) : .any(parts)
        }
        return left
    }

    private mutating func term() throws(FilterError) -> FlowFilter {
        guard let token = next else { throw missing(after: "the filter ends", Self.acceptedTerms) }
        depth += 1
        defer { depth -= 1 }
        if depth > Self.deepest {
            throw error(at: token, "nested too deeply", accepted: "at most \(Self.deepest) levels")
        }
        switch token.text {
        case "not", "!":
            advance()
            return .not(try term())
        case "(":
            advance()
            return try group(from: token)
        default:
            return try primitive()
        }
    }

    private mutating func group(from opening: FilterToken) throws(FilterError) -> FlowFilter {
        let filter = try expression(above: 0)
        guard let token = next else {
            throw error(at: opening, "this \"(\" is never closed", accepted: "and, or, \")\"")
        }
        guard token.text == ")" else {
            throw error(
                at: token, "\"\(token.text)\" follows a complete filter", accepted: "and, or, \")\""
            )
        }
        advance()
        return filter
    }

    func error(at token: FilterToken, _ problem: String, accepted: String) -> FilterError {
        FilterError(
            text: text, column: token.offset + 1, length: token.text.unicodeScalars.count,
            problem: problem, accepted: accepted)
    }

    /// An error one column behind the last word.
    func missing(after problem: String, _ accepted: String) -> FilterError {
        let end = tokens.last.map { $0.offset + $0.text.unicodeScalars.count + 1 } ?? 0
        return FilterError(
            text: text, column: end + 1, length: 1, problem: problem, accepted: accepted)
    }
}

extension FlowFilter {
    /// Reads a filter; an empty one means all flows. The words may come as they were typed in a
    /// shell, joined by spaces.
    public init(_ text: String) throws(FilterError) {
        var parser = FilterParser(text)
        self = try parser.parse()
    }
}
