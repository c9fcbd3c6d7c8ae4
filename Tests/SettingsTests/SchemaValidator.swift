// SPDX-License-Identifier: Apache-2.0

import Foundation
import Settings
import Yams

/// What YAML or JSON comes to.
indirect enum Tree: Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([Tree])
    case mapping([String: Tree])

    /// Which words are no text: up to YAML 1.1, `on` is true; since 1.2, it is a word.
    enum Dialect: CaseIterable {
        case old
        case new

        func resolver() throws -> Resolver {
            guard self == .new else { return .default }
            return try Resolver.default.removing(.timestamp)
                .replacing(.bool, with: "^(?:true|True|TRUE|false|False|FALSE)$")
                .replacing(.int, with: "^[-+]?[0-9]+$")
        }
    }

    init(yaml: String, _ dialect: Dialect = .new) throws {
        self.init(try Yams.load(yaml: yaml, dialect.resolver()) as Any)
    }

    private init(_ value: Any) {
        switch value {
        case let bool as Bool: self = .bool(bool)
        case let number as Int: self = .number(Double(number))
        case let number as Double: self = .number(number)
        case let text as String: self = .text(text)
        case let list as [Any]: self = .list(list.map { Tree($0) })
        case let mapping as [AnyHashable: Any]:
            let pairs = mapping.map { ("\($0.key.base)", Tree($0.value)) }
            self = .mapping(Dictionary(pairs) { first, _ in first })
        case is NSNull: self = .null
        default: self = .text("\(value)")
        }
    }

    subscript(name: String) -> Tree? {
        guard case .mapping(let members) = self else { return nil }
        return members[name]
    }

    var texts: [String] {
        switch self {
        case .text(let text): [text]
        case .list(let list): list.flatMap(\.texts)
        default: []
        }
    }

    var count: Double? {
        guard case .number(let number) = self else { return nil }
        return number
    }
}

/// As much of JSON Schema's draft 7 as our schema uses; any other keyword is a complaint.
struct SchemaValidator {
    let schema: Tree

    /// The one of our configuration.
    static let ours = SchemaValidator(
        schema: (try? Tree(yaml: Configuration.jsonSchema)) ?? .bool(false))

    /// What our schema says of a configuration, whichever YAML reads it.
    static func complaints(_ text: String) throws -> [String] {
        try Tree.Dialect.allCases.flatMap { ours.complaints(try Tree(yaml: text, $0)) }
    }

    /// What is wrong with `value`, with the place of each.
    func complaints(_ value: Tree) -> [String] { complaints(value, schema, at: "") }

    private func complaints(_ value: Tree, _ schema: Tree, at path: String) -> [String] {
        guard case .mapping(let keywords) = schema else {
            return schema == .bool(false) ? ["\(path): nothing may be here"] : []
        }
        if let reference = keywords["$ref"]?.texts.first {
            return complaints(value, resolve(reference), at: path)
        }
        return keywords.sorted { $0.key < $1.key }.flatMap { keyword, operand in
            check(keyword, operand, value, keywords, at: path)
        }
    }

    private func resolve(_ reference: String) -> Tree {
        let steps = reference.split(separator: "/").dropFirst()
        return steps.reduce(schema) { tree, step in tree[String(step)] ?? .bool(false) }
    }

    private func check(
        _ keyword: String, _ operand: Tree, _ value: Tree, _ all: [String: Tree], at path: String
    ) -> [String] {
        func fails(_ isWrong: Bool) -> [String] {
            isWrong ? ["\(path): \(keyword) \(operand), found \(value)"] : []
        }
        switch (keyword, value) {
        case ("$schema", _), ("$comment", _), ("title", _), ("description", _), ("default", _),
            ("definitions", _), ("then", _), ("else", _):
            return []
        case ("if", _):
            let branch = complaints(value, operand, at: path).isEmpty ? "then" : "else"
            return complaints(value, all[branch] ?? .bool(true), at: path)
        case ("type", _): return fails(!operand.texts.contains { isA($0, value) })
        case ("enum", _):
            guard case .list(let choices) = operand else { return fails(true) }
            return fails(!choices.contains(value))
        case ("anyOf", _):
            guard case .list(let schemas) = operand else { return fails(true) }
            return fails(!schemas.contains { complaints(value, $0, at: path).isEmpty })
        case ("allOf", _):
            guard case .list(let schemas) = operand else { return fails(true) }
            return schemas.flatMap { complaints(value, $0, at: path) }
        case ("pattern", .text(let text)):
            let pattern = operand.texts.first ?? ""
            return fails(text.range(of: pattern, options: .regularExpression) == nil)
        case ("minimum", .number(let number)): return fails(number < operand.count ?? .infinity)
        case ("maximum", .number(let number)): return fails(number > operand.count ?? 0)
        case ("minItems", .list(let list)):
            return fails(Double(list.count) < operand.count ?? .infinity)
        case ("maxItems", .list(let list)): return fails(Double(list.count) > operand.count ?? 0)
        case ("items", .list(let list)):
            return list.enumerated().flatMap { complaints($1, operand, at: "\(path)[\($0)]") }
        case ("minProperties", .mapping(let members)):
            return fails(Double(members.count) < operand.count ?? .infinity)
        case ("required", .mapping(let members)):
            return fails(!operand.texts.allSatisfy { members[$0] != nil })
        case ("propertyNames", .mapping(let members)):
            return members.keys.sorted().flatMap {
                complaints(.text($0), operand, at: "\(path).\($0)")
            }
        case ("properties", .mapping(let members)):
            return members.sorted { $0.key < $1.key }.flatMap { name, member in
                complaints(member, operand[name] ?? .bool(true), at: "\(path).\(name)")
            }
        case ("additionalProperties", .mapping(let members)):
            return members.sorted { $0.key < $1.key }.flatMap { name, member in
                all["properties"]?[name] != nil
                    ? [] : complaints(member, operand, at: "\(path).\(name)")
            }
        case ("pattern", _), ("minimum", _), ("maximum", _), ("minItems", _), ("maxItems", _),
            ("items", _), ("minProperties", _), ("required", _), ("propertyNames", _),
            ("properties", _), ("additionalProperties", _):
            return []
        default: return ["\(path): this validator knows no \(keyword)"]
        }
    }

    private func isA(_ type: String, _ value: Tree) -> Bool {
        switch (type, value) {
        case ("object", .mapping), ("array", .list), ("string", .text), ("number", .number),
            ("boolean", .bool), ("null", .null):
            true
        case ("integer", .number(let number)): number == number.rounded()
        default: false
        }
    }
}
