// SPDX-License-Identifier: Apache-2.0

/// Why a filter was not understood, and where.
public struct FilterError: Error, Equatable, CustomStringConvertible {
    /// The filter as it was read.
    public let text: String
    /// Where the trouble begins: 1 is the first character.
    public let column: Int
    /// How many characters it covers, at least 1.
    public let length: Int
    /// What is wrong.
    public let problem: String
    /// What may stand there.
    public let accepted: String

    /// The problem, the filter with a caret line below it, and what is accepted there.
    public var description: String {
        let shown = Self.visible(text)
        let margin = String(repeating: " ", count: column - 1)
        let caret = "^" + String(repeating: "~", count: length - 1)
        return """
            filter, column \(column): \(Self.visible(problem))
              \(shown)
              \(margin)\(caret)
            Accepted here: \(accepted)
            """
    }

    /// A control character would move the caret, or the terminal.
    private static func visible(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control ? " " : scalar
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
