// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Settings

/// The tree of this project.
enum Project {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: folder.appending(path: path), encoding: .utf8)
    }
}

@Suite struct `Configuration schema` {
    private static let place = "conf/sluice.schema.json"

    private func complaints(_ text: String) throws -> [String] {
        try SchemaValidator.complaints(text)
    }

    @Test func `is committed as it is made`() throws {
        let committed = try Project.text(Self.place)
        #expect(
            committed == Configuration.jsonSchema,
            "run: swift run sluice config schema > \(Self.place)")
    }

    @Test func `is JSON`() throws {
        _ = try JSONSerialization.jsonObject(with: Data(Configuration.jsonSchema.utf8))
    }

    @Test func `is made of entries that say all that is needed`() {
        #expect(Configuration.referenceFaults == [])
    }

    @Test func `would name an entry that does not`() {
        func key(_ name: String, _ purpose: String, _ shape: ValueShape) -> KeyReference {
            KeyReference(
                name: name, accepted: "a word", standard: nil, purpose: purpose, shape: shape)
        }
        let outline = Outline([
            ("", [key("a", "A.", .section(nil)), key("b", "B.", .named)]),
            ("a", [key("c", "", .scalar(.any)), key("d", "D.", .scalar(.any))]),
            ("a.e", [key("d", "D.", .scalar(.any)), key("d", "D.", .scalar(.any))]),
        ])
        #expect(
            outline.faults == [
                "b holds a section b.NAME, which is not in the reference", "a.c has no text",
                "a.e.d is there twice", "a.e is in no group",
            ])
    }

    @Test func `has every key, and no other`() throws {
        let schema = try Tree(yaml: Configuration.jsonSchema)
        guard case .mapping(let definitions) = try #require(schema["definitions"]) else {
            Issue.record("no definitions")
            return
        }
        var found: Set<String> = []
        for (section, definition) in definitions {
            guard case .mapping(let keys) = definition["properties"] else { continue }
            found.formUnion(keys.keys.map { "\(section): \($0)" })
        }
        let known = Configuration.reference.flatMap { section, keys in
            keys.map { "\(section.isEmpty ? "file" : section): \($0.name)" }
        }
        #expect(found == Set(known))
    }

    @Test(arguments: Example.all)
    func `takes every example`(example: Example) throws {
        let text = try String(contentsOfFile: example.path, encoding: .utf8)
        #expect(try complaints(text) == [])
    }

    @Test(arguments: Example.all)
    func `takes what config dump prints`(example: Example) throws {
        let text = try Configuration.load(file: example.path).text
        #expect(try complaints(text) == [])
    }

    @Test func `takes the examples of README`() throws {
        let parts = try Project.text("README.md").components(separatedBy: "```yaml\n").dropFirst()
        #expect(!parts.isEmpty)
        for part in parts {
            let text = part.components(separatedBy: "```")[0]
            _ = try Configuration.parse(text: text, fileName: "README.md")
            #expect(try complaints(text) == [])
        }
    }

    /// Errors that any program could find which knows the keys and their words.
    private static let findable: [BrokenFile] = {
        let lists = Configuration.reference.flatMap(\.keys).filter { !$0.choices.isEmpty }
        let endings = lists.map { "; write \($0.accepted)" }
        return BrokenFile.all.filter { file in
            let errors = file.errors.split(separator: "\n")
            return errors.contains { error in
                error.contains(": unknown key ")
                    || endings.contains { error.contains($0 + ";") || error.hasSuffix($0) }
            }
        }
    }()

    @Test func `is tried with many errors`() {
        #expect(Self.findable.count >= 20, "\(Self.findable.count)")
    }

    @Test(arguments: findable)
    func `refuses unknown keys and words`(file: BrokenFile) throws {
        for dialect in Tree.Dialect.allCases {
            // Keys that are there twice are YAML's own business.
            guard let tree = try? Tree(yaml: file.text, dialect) else { continue }
            #expect(!SchemaValidator.ours.complaints(tree).isEmpty)
        }
    }

    @Test(arguments: [
        "workers: 0", "workers: 2.5", "instance: a.b", "interface: []", "limits: {flows: many}",
        "limits: {idle_timeout: 90}", "limits: {watermark: 90}", "limits: [flows]",
        "source: {ports: 1-2-3}", "log: json", "splicing: maybe",
    ])
    func `refuses what has not the form`(line: String) throws {
        #expect(try complaints(BrokenFile.listenerAndClusters) == [])
        #expect(try !complaints(line + "\n" + BrokenFile.listenerAndClusters).isEmpty)
        #expect(throws: ConfigurationErrors.self) {
            try Configuration.parse(
                text: line + "\n" + BrokenFile.listenerAndClusters, fileName: "line.yaml")
        }
    }
}

@Suite struct `Configuration reference` {
    private static let place = "Sources/sluice/Documentation.docc/Configuration.md"

    @Test func `is committed as it is made`() throws {
        let committed = try Project.text(Self.place)
        #expect(
            committed == Configuration.referencePage,
            "run: swift run sluice config reference > \(Self.place)")
    }

    /// Sections and keys of the page, each row with what it says.
    private func rows() throws -> [String: [String]] {
        var section = ""
        var rows: [String: [String]] = [:]
        for line in try Project.text(Self.place).split(separator: "\n") {
            if line.hasPrefix("## ") { section = String(line.dropFirst(3)) }
            guard line.hasPrefix("| `") else { continue }
            let cells = line.replacing("\\|", with: "¦").split(separator: "|").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            let name = cells[0].trimmingCharacters(in: ["`"])
            #expect(rows["\(section): \(name)"] == nil, "twice: \(section): \(name)")
            rows["\(section): \(name)"] = cells
        }
        return rows
    }

    @Test func `has every key, and no other`() throws {
        let known = Configuration.reference.flatMap { section, keys in
            keys.map { "\(section.isEmpty ? "The file" : section): \($0.name)" }
        }
        #expect(Set(try rows().keys) == Set(known))
    }

    @Test func `states what may be written, what counts without, and what for`() throws {
        for (name, cells) in try rows() {
            #expect(cells.count == 4, "\(name)")
            #expect(cells.allSatisfy { !$0.isEmpty }, "\(name)")
        }
    }

    @Test func `states every default as the reader has it`() throws {
        let rows = try rows()
        for (section, keys) in Configuration.reference {
            for key in keys where key.isLiteral && key.standard != "" {
                let name = "\(section.isEmpty ? "The file" : section): \(key.name)"
                #expect(rows[name]?[2] == "`\(key.standard ?? "")`", "\(name)")
            }
        }
    }

    @Test func `is linked`() throws {
        let book = "Sources/sluice/Documentation.docc/Documentation.md"
        #expect(try Project.text(book).contains("<doc:Configuration>"))
        #expect(try Project.text("README.md").contains("Documentation.docc/Configuration.md"))
    }
}
