// SPDX-License-Identifier: Apache-2.0

/// How sections and the groups that hold them hang together.
struct Outline {
    /// A section, and the group that it is the value of, or of which it is a member.
    struct Part {
        let path: String
        let keys: [KeyReference]
        /// Nil for the whole file.
        var group: KeyReference?
    }

    /// In the order of the reference.
    private(set) var parts: [Part]
    /// What is wrong with the entries of the schema, for its authors.
    private(set) var faults: [String] = []

    init(_ reference: [(section: String, keys: [KeyReference])] = Configuration.reference) {
        parts = reference.map { Part(path: $0.section, keys: $0.keys) }
        for part in parts {
            var seen: Set<String> = []
            for key in part.keys {
                let name = Self.path(of: key.name, in: part.path)
                if key.purpose.isEmpty { faults.append("\(name) has no text") }
                if key.accepted.isEmpty { faults.append("\(name) does not say what to write") }
                if !seen.insert(key.name).inserted { faults.append("\(name) is there twice") }
                for path in Self.sections(of: key.shape, at: name) { adopt(path, key, name) }
            }
        }
        for part in parts where part.group == nil && !part.path.isEmpty {
            faults.append("\(part.path) is in no group")
        }
    }

    private mutating func adopt(_ path: String, _ key: KeyReference, _ name: String) {
        if let index = parts.firstIndex(where: { $0.path == path }) {
            parts[index].group = key
        } else {
            faults.append("\(name) holds a section \(path), which is not in the reference")
        }
    }

    /// Where the key stands in the file.
    static func path(of key: String, in section: String) -> String {
        section.isEmpty ? key : "\(section).\(key)"
    }

    /// The paths of the sections in a value of the key with that path.
    static func sections(of shape: ValueShape, at path: String) -> [String] {
        switch shape {
        case .scalar, .scalars: []
        case .section(let other): [other ?? path]
        case .list(let shapes, _), .either(let shapes):
            shapes.flatMap { sections(of: $0, at: path) }
        case .mapping(_, let value): sections(of: value, at: path + ".NAME")
        }
    }
}

extension Configuration {
    /// What is wrong with the entries that schema and reference are made of, one sentence each; a
    /// test holds it empty.
    public static var referenceFaults: [String] { Outline().faults }
}
