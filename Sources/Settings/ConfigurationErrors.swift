// SPDX-License-Identifier: Apache-2.0

/// A place in a file, counted from 1; columns count Unicode scalars.
public struct Position: Hashable, Sendable, Comparable {
    /// The line.
    public let line: Int
    /// The column.
    public let column: Int

    /// A place.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The place behind `text`, which begins the file.
    init(after text: some StringProtocol) {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        line = max(lines.count, 1)
        column = (lines.last?.unicodeScalars.count ?? 0) + 1
    }

    /// In the order of reading.
    public static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// One thing that is wrong with a configuration file.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file as it was named.
    public let file: String
    /// Where in it; nil when the file as a whole is meant.
    public let position: Position?
    /// What was found, and what is accepted.
    public let sentence: String

    /// `sluice.yaml:4:7: unknown key "adress"; did you mean "address"?`
    public var description: String {
        guard let position else { return "\(file): \(sentence)" }
        return "\(file):\(position.line):\(position.column): \(sentence)"
    }
}

/// Everything that is wrong with a configuration file, at least one thing.
public struct ConfigurationErrors: Error, Hashable, Sendable, CustomStringConvertible {
    /// In the order of the file.
    public let errors: [ConfigurationError]
    /// Other files that were read, which the file names: what is wrong may be in one of them.
    public let files: [FileVersion]

    init(_ errors: [ConfigurationError], files: [FileVersion] = []) {
        precondition(!errors.isEmpty)
        self.files = files
        let start = Position(line: 0, column: 0)
        self.errors = errors.sorted { ($0.position ?? start) < ($1.position ?? start) }
    }

    init(file: String, position: Position? = nil, _ sentence: String) {
        self.init([ConfigurationError(file: file, position: position, sentence: sentence)])
    }

    /// One line each.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}
