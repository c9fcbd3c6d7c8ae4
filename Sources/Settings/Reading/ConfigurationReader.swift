// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Yams

/// A key and its value.
struct Entry {
    let name: String
    /// Of the key.
    let position: Position
    let value: Node

    /// Where a complaint about the value belongs: there is little to see at an empty one.
    var valuePosition: Position { value.isEmpty ? position : Position(value) }
}

/// Reads a document from top to bottom and goes on after each error, so that all are found.
final class ConfigurationReader {
    let document: Document
    private(set) var errors: [ConfigurationError] = []
    /// What is not wrong and may not be meant.
    private(set) var warnings: [ConfigurationError] = []
    private var reported: Set<ConfigurationError> = []
    /// Other files that were read.
    private(set) var files: [FileVersion] = []

    init(_ document: Document) { self.document = document }

    func report(_ position: Position, _ sentence: String) {
        let error = ConfigurationError(
            file: document.fileName, position: position, sentence: sentence)
        // What an anchor names is read wherever it is used, but wrong only once.
        if reported.insert(error).inserted { errors.append(error) }
    }

    /// The configuration is made of that file as well, which is read next.
    func note(file: String) {
        if !files.contains(where: { $0.path == file }) { files.append(FileVersion(of: file)) }
    }

    func warn(_ position: Position, _ sentence: String) {
        warnings.append(
            ConfigurationError(file: document.fileName, position: position, sentence: sentence))
    }

    /// The whole; what it holds is right only if there are no errors.
    func configuration() -> Configuration? {
        let start = Position(line: 1, column: 1)
        let whole = Entry(name: "", position: start, value: document.root)
        guard let file = SectionReader<FileSection>(self, whole) else { return nil }
        let listeners = file.requiredEntry(FileSection.listeners)
        let clusters = clusters(file.requiredEntry(FileSection.clusters))
        let read = self.listeners(listeners, clusters)
        reportLoops(clusters, read)
        let isSplicing = file.value(FileSection.splicing)
        reportNeverTransparent(clusters, read, isSplicing: isSplicing)
        return Configuration(
            instance: file.value(FileSection.instance), interfaces: interfaces(file),
            attach: file.value(FileSection.attach), listeners: read.all,
            clusters: clusters.all, source: source(file), limits: limits(file),
            isSplicing: isSplicing,
            workers: file.value(FileSection.workers), log: log(file),
            resolver: file.value(FileSection.resolver), files: files)
    }

    /// The pairs of a mapping. Keys that are no text, or repeat an earlier one, are reported and
    /// left out.
    func entries(_ mapping: Node.Mapping) -> [Entry] {
        var entries: [Entry] = []
        entries.reserveCapacity(mapping.count)
        eachEntry(mapping) { entries.append($0) }
        return entries
    }

    /// Takes the pairs of a mapping one by one, as ``entries(_:)``. Repetitions are reported only if
    /// `areTold`, unless the document knows of some: who tells names apart by itself needs no second
    /// table of them.
    func eachEntry(_ mapping: Node.Mapping, areTold: Bool = true, _ body: (Entry) -> Void) {
        let isAsked = areTold || document.repeatsKeys
        var first: [String: Position] = [:]
        for (key, value) in mapping {
            let position = Position(key)
            guard let name = document.name(of: key) else {
                report(position, "a key is \(key.found); write plain text")
                continue
            }
            if isAsked {
                if let earlier = first[name] {
                    report(
                        position, "duplicate key \(quoted(name)); first in line \(earlier.line)")
                    continue
                }
                first[name] = position
            }
            body(Entry(name: name, position: position, value: value))
        }
    }

    /// The members of `listeners` or `clusters`, whose names the user chooses.
    func members(_ entry: Entry, _ key: GroupKey) -> [Entry]? {
        guard case .mapping(let mapping) = entry.value, !mapping.isEmpty else {
            report(
                entry.valuePosition,
                "\"\(key.name)\" is \(entry.value.found); write \(key.accepted)")
            return nil
        }
        let members = entries(mapping)
        let limit = Int(UInt16.max)
        if members.count > limit {
            report(
                entry.position,
                "\"\(key.name)\" has \(members.count) entries; write at most \(limit)")
        }
        for member in members where Form.objectName.parse(member.name) == nil {
            report(
                member.position,
                "\(quoted(member.name)) is no name for one of \"\(key.name)\"; write "
                    + Form.objectName.accepted)
        }
        return Array(members.prefix(limit))
    }
}
