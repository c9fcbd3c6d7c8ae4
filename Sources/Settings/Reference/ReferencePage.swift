// SPDX-License-Identifier: Apache-2.0

extension Configuration {
    /// The reference of the file, every key with what may be written and its default, as a page of
    /// Markdown.
    public static var referencePage: String { ReferencePage().text }
}

/// A table for each section.
struct ReferencePage {
    private static let introduction = """
        # Configuration

        Every key of the configuration: what may be written, what counts without it, and what it is for.

        <!-- Made by "sluice config reference" of Sources/Settings/Schema; a test compares them. -->

        ## How values are written

        The file is YAML. A path like `clusters.NAME.health` is a mapping in a mapping; `NAME` is a \
        name that you choose: \(Form.objectName.accepted).

        - Durations are whole numbers with a unit: `ms`, `s`, `m`, `h`. Sizes are bytes, or have one of \
        `B`, `k`, `K`, `KiB`, `M`, `MiB`, where k is 1024. Percentages end in `%`. There are no \
        fractions and no other units.
        - `on` and `true` are the same, and so are `off` and `false`.
        - Where the tables say "or a list of such", one value alone will do. IPv6 addresses with ports, and names \
        that begin with a star, need quotes.
        - A section that is left out, or empty, counts as one in which every key has its default, unless \
        the table says otherwise. A key that is not listed here is an error.

        `sluice check FILE` says what is wrong, `sluice config dump FILE` what is in force. \
        `conf/sluice.schema.json` is this page as a JSON Schema, for editors; it knows less than \
        `sluice check` of how keys depend on each other. A bootstrap of Envoy is written otherwise: \
        see <doc:Envoy>.

        """

    private let outline = Outline()

    var text: String {
        Self.introduction + outline.parts.map { "\n" + section($0) }.joined()
    }

    private func section(_ part: Outline.Part) -> String {
        var lines = [part.path.isEmpty ? "## The file" : "## \(part.path)", ""]
        if let group = part.group {
            lines += [
                "`\(group.name)`: \(Self.cell(group.accepted)). \(Self.cell(group.purpose))", "",
            ]
        }
        lines += ["| key | write | default | what it is |", "|---|---|---|---|"]
        lines += part.keys.map(Self.row)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func row(_ key: KeyReference) -> String {
        let accepted = key.accepted + (key.isList ? ", or a list of such" : "")
        return "| `\(key.name)` | \(cell(accepted)) | \(standard(key)) | \(cell(key.purpose)) |"
    }

    private static func standard(_ key: KeyReference) -> String {
        if key.isRequired { return "required" }
        guard let standard = key.standard else { return "none" }
        // Backticks keep a literal as it is; an empty one has no other way to be seen.
        if key.isLiteral { return standard.isEmpty ? "empty" : "`\(standard)`" }
        return cell(standard)
    }

    /// Text in a table, where some characters mean something.
    private static func cell(_ text: String) -> String {
        text.map { "|*<[".contains($0) ? "\\\($0)" : "\($0)" }.joined()
    }
}
