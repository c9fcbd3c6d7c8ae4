// SPDX-License-Identifier: Apache-2.0

internal import Yams

/// A file as a tree of nodes that know their places.
///
/// Yams refuses a mapping with equal keys without saying where the second is. Such a key is
/// therefore renamed in the text, one scalar for one, so that no place moves; ``name(of:)`` gives
/// back what was written, and the reader of the mapping sees both.
struct Document {
    let fileName: String
    let root: Node
    private let renamed: [Position: String]

    /// More repeated keys than this in one file are not worth a place each.
    private static let renameLimit = 64

    init(text: String, fileName: String) throws(ConfigurationErrors) {
        // A sound file is never taken apart into scalars: that takes as long as to parse it.
        var source: SourceText?
        let hasMark = text.unicodeScalars.first == "\u{feff}"
        let whole = hasMark ? String(text.unicodeScalars.dropFirst()) : text
        var renamed: [Position: String] = [:]
        while true {
            let problem: YamlError
            switch Self.compose(source?.text ?? whole) {
            case .success(let node?) where !node.isEmpty:
                (self.fileName, root, self.renamed) = (fileName, node, renamed)
                return
            case .success:
                throw ConfigurationErrors(
                    file: fileName,
                    "nothing is configured here; write at least \"listeners\" and \"clusters\"")
            case .failure(let error):
                problem = error
            }
            var edited = source.take() ?? SourceText(text)
            guard case .duplicatedKeysInMapping(let names, let context) = problem,
                renamed.count < Self.renameLimit, let name = names.first,
                edited.rename(at: Position(context.mark), number: renamed.count)
            else {
                let (position, sentence) = edited.explain(problem)
                throw ConfigurationErrors(file: fileName, position: position, sentence)
            }
            source = edited
            renamed[Position(context.mark)] = name
        }
    }

    /// The same file with another tree, whose nodes stand where they came from.
    init(_ document: Document, root: Node) {
        (fileName, self.root, renamed) = (document.fileName, root, [:])
    }

    /// Whether some mapping has a key twice.
    var repeatsKeys: Bool { !renamed.isEmpty }

    /// What was written as a key, or nil when it is no scalar.
    func name(of key: Node) -> String? {
        guard case .scalar(let scalar) = key else { return nil }
        return renamed[Position(key)] ?? scalar.string
    }

    private static func compose(_ text: String) -> Result<Node?, YamlError> {
        do {
            // Scalars are read as what their key wants, so YAML's own guesses (`on`, `1:30`) are
            // left out: the basic resolver takes all for text.
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            return .success(try parser.singleRoot())
        } catch let error as YamlError {
            return .failure(error)
        } catch {
            return .failure(.representer(problem: "\(error)"))
        }
    }
}

extension Position {
    init(_ mark: Mark) { self.init(line: mark.line, column: mark.column) }

    /// Where the node begins; nodes of a parsed file always know.
    init(_ node: Node) { self = node.mark.map { Position($0) } ?? Position(line: 1, column: 1) }
}
