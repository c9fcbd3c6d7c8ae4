// SPDX-License-Identifier: Apache-2.0

/// How a scalar looks, as far as a JSON Schema can say it. All that its form reads has the shape;
/// a few texts of the shape are refused by the form all the same.
indirect enum ScalarShape: Hashable, Sendable {
    /// Anything that is written in one piece.
    case any
    /// One of these words.
    case words([String])
    /// A whole number in plain digits.
    case number(ClosedRange<Int>)
    /// Text that matches a regular expression (ECMA-262) and that YAML takes for no number.
    case text(String)
    /// The same, where YAML may see a number, as in a name of digits.
    case name(String)
    /// One or the other.
    case either(ScalarShape, ScalarShape)

    /// The words that may be written.
    var words: [String] {
        switch self {
        case .words(let words): words
        case .either(let one, let other): one.words + other.words
        case .any, .number, .text, .name: []
        }
    }
}

/// How the value of a key looks.
indirect enum ValueShape: Hashable, Sendable {
    case scalar(ScalarShape)
    /// One scalar, or a list of them.
    case scalars(ScalarShape)
    /// A mapping of the keys of the section with that path; nil: the path of the key itself.
    case section(String?)
    /// A list of what has one of these shapes; the most of them.
    case list([ValueShape], most: Int? = nil)
    /// A mapping of names that the user chooses.
    case mapping(ScalarShape, to: ValueShape)
    case either([ValueShape])

    /// A section of its own for each name of listeners, clusters and their like, behind the path of
    /// the key and `.NAME`.
    static let named = ValueShape.mapping(Form.objectName.shape, to: .section(nil))
}
