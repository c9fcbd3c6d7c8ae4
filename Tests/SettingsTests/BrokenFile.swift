// SPDX-License-Identifier: Apache-2.0

import Settings
import Testing

/// A file with something wrong, and every line that is said about it.
struct BrokenFile: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let errors: String

    /// `rest` follows `text`, so that nothing but `text` is wrong.
    init(_ name: String, _ text: String, rest: String = "", errors: String) {
        self.name = name
        self.text = text + rest
        self.errors = errors
    }

    var testDescription: String { name }

    static let oneListener = "listeners: {a: {address: 192.0.2.1:443, default: web}}\n"
    static let twoClusters = "clusters: {web: [10.0.0.1:443], mail: [10.0.0.2:443]}\n"
    static let listenerAndClusters = oneListener + twoClusters

    static let all =
        syntax + keys + many + host + limits + bounds + listeners + routes + policies
        + clustersAndEndpoints + balance + health + rules + identity
}

@Suite struct `Configuration errors` {
    @Test(arguments: BrokenFile.all)
    func `say place, finding and what is accepted`(file: BrokenFile) {
        let errors = #expect(throws: ConfigurationErrors.self) {
            try Configuration.parse(text: file.text, fileName: "sluice.yaml")
        }
        #expect(errors?.description == file.errors)
    }

    @Test func `come from files that are right but for them`() throws {
        _ = try Configuration.parse(text: BrokenFile.listenerAndClusters, fileName: "rest.yaml")
        let names = BrokenFile.all.map(\.name)
        #expect(names.count >= 50)
        #expect(BrokenFile.all.allSatisfy { !$0.errors.isEmpty })
    }
}
