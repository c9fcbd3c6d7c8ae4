// SPDX-License-Identifier: Apache-2.0

import Foundation
import Settings
import Testing

@Suite struct `The page about Envoy` {
    private static let page = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Sources/sluice/Documentation.docc/Envoy.md")

    private func row(_ key: EnvoyKeyReference) -> String {
        let effect =
            switch key.effect {
            case .becomes(let words): words
            case .nothing: "no effect"
            case .refused(let advice): "**error**: \(advice)"
            }
        return "| `\(key.name)` | \(effect) |"
    }

    @Test func `says of every key what it becomes`() throws {
        let page = try String(contentsOf: Self.page, encoding: .utf8)
        var parts: [(section: String, rows: [String])] = []
        for key in Configuration.envoyReference {
            if parts.last?.section != key.section { parts.append((key.section, [])) }
            parts[parts.count - 1].rows.append(row(key))
        }
        let expected = parts.map { part in
            "### \(part.section)\n\n| key | becomes |\n|---|---|\n"
                + part.rows.joined(separator: "\n") + "\n"
        }
        for text in expected where !page.contains(text) {
            Issue.record("the page lacks:\n\(text)")
        }
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }
        #expect(rows.count == Configuration.envoyReference.count)
    }
}
