// SPDX-License-Identifier: Apache-2.0

internal import Yams

/// Reads a mapping whose keys are known; all others are reported at once.
struct SectionReader<Keys: Section> {
    let reader: ConfigurationReader
    private let title: String
    private let position: Position
    private let entries: [String: Entry]
    /// Known keys that unknown ones were probably meant to be.
    private let misspelt: Set<String>
    /// Whether there are keys that are not supported; one of them may stand in for a missing one.
    private let hasRefused: Bool

    /// The section that is the value of `entry`, which errors call `title`. An empty value has no
    /// keys; nil when it is no mapping.
    init?(_ reader: ConfigurationReader, _ entry: Entry, title: String = "") {
        (self.reader, self.title, position) = (reader, title, entry.position)
        switch entry.value {
        case .mapping(let mapping):
            let pairs = reader.entries(mapping)
            let known = Keys.keys.map(\.name)
            let unknown = pairs.filter {
                !known.contains($0.name) && !Keys.ignored.contains($0.name)
            }
            misspelt = Set(unknown.compactMap { Self.reportUnknown($0, known, reader) })
            hasRefused = unknown.contains { Keys.refused[$0.name] != nil }
            entries = Dictionary(pairs.map { ($0.name, $0) }) { first, _ in first }
        case let node where node.isEmpty:
            (entries, misspelt, hasRefused) = ([:], [], false)
        default:
            let name = entry.name.isEmpty ? "the file" : quoted(entry.name)
            let known = Keys.keys.map(\.name).joined(separator: ", ")
            reader.report(
                entry.valuePosition,
                "\(name) is \(entry.value.found); write a mapping of the keys \(known)")
            return nil
        }
    }

    /// The value of `key`: its default when it is absent, or wrong and reported.
    func value<Value>(_ key: ValueKey<Value>) -> Value {
        entry(key).flatMap { parse($0, key.form) } ?? key.standard
    }

    /// The value of `key` and where it is written; nil when it is absent or wrong, and reported.
    func required<Value>(_ key: RequiredKey<Value>) -> (value: Value, position: Position)? {
        guard let entry = requiredEntry(key), let value = parse(entry, key.form) else {
            return nil
        }
        return (value, entry.valuePosition)
    }

    private func parse<Value>(_ entry: Entry, _ form: Form<Value>) -> Value? {
        if case .scalar(let scalar) = entry.value, !entry.value.isEmpty,
            let value = form.parse(scalar.string)
        {
            return value
        }
        reader.report(
            entry.valuePosition,
            complaint("\(quoted(entry.name)) is", entry.value, form))
        return nil
    }

    /// The values of `key`, which is a scalar or a list; those that are wrong are reported.
    func values<Value>(_ key: ListKey<Value>) -> [(value: Value, position: Position)] {
        values(key) { key.form.parse($0.string) }
    }

    /// The same, where it matters how the scalar is written.
    func values<Value>(_ key: ListKey<Value>, _ parse: (Node.Scalar) -> Value?)
        -> [(value: Value, position: Position)]
    {
        guard let entry = entry(key) else { return [] }
        var nodes = [entry.value]
        var verb = "is"
        if case .sequence(let sequence) = entry.value, !sequence.isEmpty {
            (nodes, verb) = (Array(sequence), "holds")
        }
        return nodes.compactMap { node in
            if case .scalar(let scalar) = node, !node.isEmpty, let value = parse(scalar) {
                return (value, Position(node))
            }
            let position = verb == "is" ? entry.valuePosition : Position(node)
            reader.report(position, complaint("\"\(key.name)\" \(verb)", node, key.form))
            return nil
        }
    }

    /// The entry of `key`, or nil.
    func entry(_ key: some AnyKey) -> Entry? {
        precondition(Keys.keys.contains { $0.name == key.name })
        return entries[key.name]
    }

    /// Whether `key` is there, or was meant by one that is and was reported.
    func mentions(_ key: some AnyKey) -> Bool {
        entry(key) != nil || misspelt.contains(key.name)
    }

    /// The same by name.
    func mentions(named name: String) -> Bool { entries[name] != nil || misspelt.contains(name) }

    /// The entry of `key`; when absent that is reported.
    func requiredEntry(_ key: some AnyKey) -> Entry? {
        if !mentions(key), !hasRefused { reportMissing(key) }
        return entry(key)
    }

    /// Reports that `key` is absent.
    func reportMissing(_ key: some AnyKey) {
        let place = title.isEmpty ? "" : " in \(title)"
        let reference = key.reference
        reader.report(
            position, "\"\(reference.name)\" is missing\(place); write \(reference.accepted)")
    }

    /// Answers the key that was probably meant.
    private static func reportUnknown(
        _ entry: Entry, _ known: [String], _ reader: ConfigurationReader
    ) -> String? {
        if let advice = Keys.refused[entry.name] {
            reader.report(entry.position, "\(quoted(entry.name)) is not supported; \(advice)")
            return nil
        }
        let meant = suggestion(for: entry.name, among: known + Keys.ignored)
        let advice =
            meant.map { "did you mean \"\($0)\"?" }
            ?? "accepted here: " + known.joined(separator: ", ")
        reader.report(entry.position, "unknown key \(quoted(entry.name)); \(advice)")
        return meant
    }
}
