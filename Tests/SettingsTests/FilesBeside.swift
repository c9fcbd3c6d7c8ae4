// SPDX-License-Identifier: Apache-2.0

import Foundation
import Settings

/// Tests of files that a configuration names, which lie in its folder.
protocol FilesBeside {}

extension FilesBeside {
    /// What is read of a configuration beside those files, by name; nil: there is none.
    func load(_ text: String, beside files: [String: String?]) throws
        -> Result<Configuration, ConfigurationErrors>
    {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "sluice-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, content) in files {
            try content?.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        let file = folder.appending(path: "sluice.yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        do throws(ConfigurationErrors) {
            return .success(try Configuration.load(file: file.path))
        } catch {
            return .failure(error)
        }
    }

    /// The errors, without their folder; nil when there are none.
    func complaint(of result: Result<Configuration, ConfigurationErrors>) -> String? {
        guard case .failure(let errors) = result else { return nil }
        let text = errors.description
        return text.firstRange(of: "sluice.yaml:").map { String(text[$0.lowerBound...]) }
    }
}
