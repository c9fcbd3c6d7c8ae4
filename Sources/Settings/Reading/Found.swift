// SPDX-License-Identifier: Apache-2.0

internal import Yams

extension Node {
    /// Whether nothing was written, or only YAML's null.
    var isEmpty: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain else { return false }
        return ["", "~", "null"].contains(scalar.string)
    }

    /// Whether it is empty, or a list or mapping of nothing.
    var hasNothing: Bool {
        switch self {
        case .mapping(let mapping): mapping.isEmpty
        case .sequence(let sequence): sequence.isEmpty
        default: isEmpty
        }
    }

    /// What it is, in the words of an error: its text, or its shape.
    var found: String {
        switch self {
        case .scalar(let scalar): isEmpty ? "empty" : quoted(scalar.string)
        case .mapping(let mapping): mapping.isEmpty ? "an empty mapping" : "a mapping"
        case .sequence(let sequence): sequence.isEmpty ? "an empty list" : "a list"
        case .alias: "an alias"
        }
    }
}

/// Text from a file, safe to print: bounded, control characters escaped.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars.prefix(64) {
        let isPlain =
            scalar.value >= 32 && !(127...160).contains(scalar.value)
            && ![.format, .lineSeparator, .paragraphSeparator].contains(
                scalar.properties.generalCategory)
        result += isPlain ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
    }
    return result + (text.unicodeScalars.count > 64 ? "…\"" : "\"")
}

/// `"attach" is "tc"; write auto, tcx or clsact; did you mean "tcx"?`
func complaint<Value>(_ subject: String, _ node: Node, _ form: Form<Value>) -> String {
    let sentence = "\(subject) \(node.found); write \(form.accepted)"
    guard case .scalar(let scalar) = node, let advice = form.advice(scalar.string) else {
        return sentence
    }
    return "\(sentence); \(advice)"
}
