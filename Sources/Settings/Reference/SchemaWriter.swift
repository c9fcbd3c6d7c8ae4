// SPDX-License-Identifier: Apache-2.0

extension Configuration {
    /// A JSON Schema (draft 7) of the file, made of what its reader goes by. All that it refuses is
    /// refused by the reader; what several keys must have to do with each other, and how long a
    /// duration may be, only the reader knows.
    public static var jsonSchema: String { SchemaWriter().schema.text() + "\n" }
}

/// Sections as definitions, forms as types and patterns.
struct SchemaWriter {
    private let outline = Outline()

    var schema: JSONText {
        let definitions = outline.parts.map { (Self.name(of: $0.path), definition($0)) }
        return .object([
            ("$schema", .string("http://json-schema.org/draft-07/schema#")),
            ("title", .string("Configuration of Sluice")),
            (
                "$comment",
                .string(
                    "Made by \"sluice config schema\" of Sources/Settings/Schema; a test compares "
                        + "them. SPDX-License-Identifier: Apache-2.0")
            ),
            // A bootstrap of Envoy is told by this key, and has a schema of its own elsewhere.
            ("if", .object([("required", .strings(["static_resources"]))])),
            ("then", .object([("description", .string("A bootstrap of Envoy."))])),
            ("else", Self.reference(to: "")),
            ("definitions", .object(definitions)),
        ])
    }

    private static func name(of path: String) -> String { path.isEmpty ? "file" : path }

    private static func reference(to path: String) -> JSONText {
        .object([("$ref", .string("#/definitions/" + name(of: path)))])
    }

    private func definition(_ part: Outline.Part) -> JSONText {
        var members: [(String, JSONText)] = []
        if let group = part.group { members.append(("description", .string(group.purpose))) }
        // An empty section is one of defaults, unless something in it has to be there.
        let required = part.keys.filter(\.isRequired).map(\.name)
        members.append(
            ("type", required.isEmpty ? .strings(["object", "null"]) : .string("object")))
        members.append(("additionalProperties", .bool(false)))
        if !required.isEmpty { members.append(("required", .strings(required))) }
        let properties = part.keys.map { key in
            (key.name, property(key, at: Outline.path(of: key.name, in: part.path)))
        }
        return .object(members + [("properties", .object(properties))])
    }

    private func property(_ key: KeyReference, at path: String) -> JSONText {
        var members: [(String, JSONText)] = [("description", .string(Self.description(key)))]
        if key.isLiteral, let standard = key.standard {
            members.append(("default", Self.literal(standard, key.shape)))
        }
        // Draft 7 looks at nothing beside a reference.
        let value = self.value(key.shape, at: path, isOptional: !key.isRequired)
        if case .members(let constraints) = value, constraints.first?.name != "$ref" {
            return .object(members + constraints.map { ($0.name, $0.value) })
        }
        return .object(members + [("allOf", .array([value]))])
    }

    private static func description(_ key: KeyReference) -> String {
        let list = key.isList ? ", or a list of such" : ""
        let standard =
            if key.isRequired { "Required." } else { "Default: \(key.standard ?? "none")." }
        return "\(key.purpose) Write \(key.accepted)\(list). \(standard)"
    }

    /// A default as YAML would read it.
    private static func literal(_ text: String, _ shape: ValueShape) -> JSONText {
        if case .scalar(let scalar) = shape, scalar.hasNumbers, let number = decimal(text) {
            return .integer(number)
        }
        return .string(text)
    }

    private func value(_ shape: ValueShape, at path: String, isOptional: Bool = false) -> JSONText {
        switch shape {
        case .scalar(let shape): return shape.schema
        case .scalars(let shape):
            let list = JSONText.object([
                ("type", .string("array")), ("minItems", .integer(1)), ("items", shape.schema),
            ])
            return .object([("anyOf", .array([shape.schema, list]))])
        case .section(let other): return Self.reference(to: other ?? path)
        case .either(let shapes):
            return .object([("anyOf", .array(shapes.map { value($0, at: path) }))])
        case .list(let shapes, let most):
            let items = shapes.count == 1 ? shapes[0] : .either(shapes)
            var members: [(String, JSONText)] = [
                ("type", isOptional ? .strings(["array", "null"]) : .string("array"))
            ]
            if !isOptional { members.append(("minItems", .integer(1))) }
            if let most { members.append(("maxItems", .integer(most))) }
            return .object(members + [("items", value(items, at: path))])
        case .mapping(let names, let members):
            return .object([
                ("type", isOptional ? .strings(["object", "null"]) : .string("object")),
                ("minProperties", .integer(isOptional ? 0 : 1)),
                ("propertyNames", names.nameSchema),
                ("additionalProperties", value(members, at: path + ".NAME")),
            ])
        }
    }
}

extension ScalarShape {
    fileprivate var hasNumbers: Bool {
        switch self {
        case .number: true
        case .either(let one, let other): one.hasNumbers || other.hasNumbers
        case .any, .words, .text, .name: false
        }
    }

    /// The same for a key of a mapping, which is text in JSON.
    fileprivate var nameSchema: JSONText {
        if case .name(let pattern) = self { return .object([("pattern", .string(pattern))]) }
        return .object([])
    }

    fileprivate var schema: JSONText {
        switch self {
        case .any: .object([("type", .strings(["string", "number", "boolean"]))])
        case .words(let words):
            .object([("enum", .array(words.map { .string($0) } + Self.twins(words)))])
        case .number(let range):
            .object([
                ("type", .string("integer")), ("minimum", .integer(range.lowerBound)),
                ("maximum", .integer(range.upperBound)),
            ])
        case .text(let pattern):
            .object([("type", .string("string")), ("pattern", .string(pattern))])
        case .name(let pattern):
            .object([("type", .strings(["string", "number"])), ("pattern", .string(pattern))])
        case .either(let one, let other):
            .object([("anyOf", .array([one.schema, other.schema]))])
        }
    }

    /// What YAML makes of words that are not text to it: `on` was a boolean up to YAML 1.1, and 1.3
    /// is a number.
    private static func twins(_ words: [String]) -> [JSONText] {
        var twins = words.compactMap(Double.init).map { JSONText.number($0) }
        if !Set(words).isDisjoint(with: ["on", "true"]) { twins.append(.bool(true)) }
        if !Set(words).isDisjoint(with: ["off", "false"]) { twins.append(.bool(false)) }
        return twins
    }
}
