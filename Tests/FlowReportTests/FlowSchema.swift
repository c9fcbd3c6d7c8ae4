// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The part of JSON Schema that `flows.schema.json` uses: enough to hold our output to it.
struct FlowSchema {
    private let root: [String: Any]

    init() throws {
        let tree = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = tree.appending(path: "Sources/FlowReport/flows.schema.json")
        let schema = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
        root = schema as? [String: Any] ?? [:]
    }

    /// What in `value` is not as the schema says, with where it stands.
    func complaints(about value: Any) throws -> [String] {
        complaints(value, root, at: "$")
    }

    private func complaints(_ value: Any, _ schema: [String: Any], at place: String) -> [String] {
        if let reference = schema["$ref"] as? String {
            return complaints(value, definition(reference), at: place)
        }
        return typeComplaints(value, schema, place) + rangeComplaints(value, schema, place)
            + memberComplaints(value, schema, place)
    }

    private func definition(_ reference: String) -> [String: Any] {
        let definitions = root["$defs"] as? [String: Any] ?? [:]
        let name = reference.replacing("#/$defs/", with: "")
        return definitions[name] as? [String: Any] ?? ["type": "no definition of \(name)"]
    }

    private func typeComplaints(_ value: Any, _ schema: [String: Any], _ place: String)
        -> [String]
    {
        let types = schema["type"] as? [String] ?? (schema["type"] as? String).map { [$0] } ?? []
        if !types.isEmpty, !types.contains(type(of: value)) {
            return ["\(place) is \(type(of: value)), not \(types)"]
        }
        return []
    }

    private func type(of value: Any) -> String {
        switch value {
        case is NSNull: return "null"
        case is String: return "string"
        case is [Any]: return "array"
        case is [String: Any]: return "object"
        case let number as NSNumber:
            // Foundation keeps booleans as numbers of one character; the text belongs to `number`.
            let isBoolean = unsafe number.objCType.pointee == CChar(UInt8(ascii: "c"))
            if isBoolean { return "boolean" }
            return number.doubleValue == number.doubleValue.rounded() ? "integer" : "number"
        default: return "unknown"
        }
    }

    private func rangeComplaints(_ value: Any, _ schema: [String: Any], _ place: String)
        -> [String]
    {
        var complaints: [String] = []
        let choices = schema["enum"] as? [Any] ?? schema["const"].map { [$0] } ?? []
        if !choices.isEmpty, !choices.contains(where: { "\($0)" == "\(value)" }) {
            complaints.append("\(place) is \(value)")
        }
        if let number = value as? NSNumber, let least = schema["minimum"] as? NSNumber,
            let most = schema["maximum"] as? NSNumber,
            number.doubleValue < least.doubleValue || number.doubleValue > most.doubleValue
        {
            complaints.append("\(place) is \(number)")
        }
        if let text = value as? String, let pattern = schema["pattern"] as? String,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            complaints.append("\(place) is \(text)")
        }
        return complaints
    }

    private func memberComplaints(_ value: Any, _ schema: [String: Any], _ place: String)
        -> [String]
    {
        if let items = schema["items"] as? [String: Any], let array = value as? [Any] {
            return array.enumerated().flatMap { complaints($1, items, at: "\(place)[\($0)]") }
        }
        guard let object = value as? [String: Any],
            let properties = schema["properties"] as? [String: [String: Any]]
        else { return [] }
        let missing = (schema["required"] as? [String] ?? []).filter { object[$0] == nil }
        // A member that the schema does not tell of is a member that was forgotten there.
        let unknown = object.keys.filter { properties[$0] == nil }
        return missing.map { "\(place).\($0) is missing" }
            + unknown.map { "\(place).\($0) is unknown" }
            + properties.flatMap { name, schema in
                object[name].map { complaints($0, schema, at: "\(place).\(name)") } ?? []
            }
    }
}
