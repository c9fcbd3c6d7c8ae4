// SPDX-License-Identifier: Apache-2.0

/// A JSON value (RFC 8259) whose members keep their order.
enum JSONText {
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONText])
    case members([Member])

    /// A member of an object.
    struct Member {
        let name: String
        let value: JSONText
    }

    static func object(_ members: [(String, JSONText)]) -> JSONText {
        .members(members.map { Member(name: $0.0, value: $0.1) })
    }

    static func strings(_ texts: [String]) -> JSONText { .array(texts.map { .string($0) }) }

    /// As text of several lines, the first of which begins where the cursor is.
    func text(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .bool(let bool): return bool ? "true" : "false"
        case .integer(let number): return String(number)
        case .number(let number): return String(number)
        case .string(let text): return Self.quoted(text)
        case .array(let values):
            if values.allSatisfy(\.isScalar) {
                return "[" + values.map { $0.text() }.joined(separator: ", ") + "]"
            }
            let lines = values.map { inner + $0.text(indent: inner) }
            return "[\n" + lines.joined(separator: ",\n") + "\n\(indent)]"
        case .members(let members):
            if members.isEmpty { return "{}" }
            let lines = members.map { member in
                "\(inner)\(Self.quoted(member.name)): " + member.value.text(indent: inner)
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
        }
    }

    private var isScalar: Bool {
        switch self {
        case .array, .members: false
        default: true
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.value < 32:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
