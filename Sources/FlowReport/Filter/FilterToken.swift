// SPDX-License-Identifier: Apache-2.0

/// One word of a filter and where it stands.
struct FilterToken: Equatable {
    let text: String
    /// 0 is the first character of the filter.
    let offset: Int

    /// The words of a filter. Parentheses and comparisons are words of their own without spaces
    /// around them, so `age>1h` is three.
    static func all(in text: String) -> [FilterToken] {
        var tokens: [FilterToken] = []
        let scalars = Array(text.unicodeScalars)
        var offset = 0
        while offset < scalars.count {
            let length = Self.length(scalars[offset...])
            if length > 0 {
                var word = String.UnicodeScalarView()
                word.append(contentsOf: scalars[offset..<(offset + length)])
                tokens.append(FilterToken(text: String(word), offset: offset))
            }
            offset += max(length, 1)
        }
        return tokens
    }

    /// How long the word is that begins here, 0 for a space.
    private static func length(_ rest: ArraySlice<UnicodeScalar>) -> Int {
        guard let first = rest.first, !first.properties.isWhitespace else { return 0 }
        let second = rest.dropFirst().first
        switch first {
        case "(", ")": return 1
        case "<", ">", "=", "!": return second == "=" ? 2 : 1
        case "&", "|": return second == first ? 2 : 1
        default: return rest.prefix { !isSeparator($0) }.count
        }
    }

    private static func isSeparator(_ scalar: UnicodeScalar) -> Bool {
        scalar.properties.isWhitespace || "()<>=!&|".unicodeScalars.contains(scalar)
    }
}
