// SPDX-License-Identifier: Apache-2.0

internal import Foundation

extension Configuration {
    /// The configuration in a file of UTF-8 text in YAML: of our own shape, or, with
    /// `static_resources` at its top, a bootstrap of Envoy.
    ///
    /// - Parameter warn: Told what is not wrong and may not be meant.
    /// - Throws: everything that is wrong with the file, in the order of its lines.
    public static func load(
        file: String, warn: (ConfigurationError) -> Void = { _ in }
    ) throws(ConfigurationErrors) -> Configuration {
        try parse(text: text(of: file), fileName: file, warn: warn)
    }

    /// The configuration in `text`; `fileName` is what errors call it.
    ///
    /// - Parameter warn: Told what is not wrong and may not be meant.
    /// - Throws: everything that is wrong with the text, in the order of its lines.
    public static func parse(
        text: String, fileName: String, warn: (ConfigurationError) -> Void = { _ in }
    ) throws(ConfigurationErrors) -> Configuration {
        let document = try Document(text: text, fileName: fileName)
        guard EnvoyTranslation.isNeeded(document) else { return try read(document, warn: warn) }
        let translation = try EnvoyTranslation(document)
        // Our own warnings are about rules, whose order is Envoy's here.
        let configuration = try read(translation.document, warn: { _ in })
        translation.warnings.forEach(warn)
        return configuration
    }

    private static func read(
        _ document: Document, warn: (ConfigurationError) -> Void
    ) throws(ConfigurationErrors) -> Configuration {
        let reader = ConfigurationReader(document)
        let configuration = reader.configuration()
        guard let configuration, reader.errors.isEmpty else {
            throw ConfigurationErrors(reader.errors, files: reader.files)
        }
        reader.warnings.forEach(warn)
        return configuration
    }

    private static func text(of file: String) throws(ConfigurationErrors) -> String {
        guard !file.isEmpty else {
            throw ConfigurationErrors(file: "\"\"", "is no name of a file; write a path")
        }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: file))
        } catch {
            throw ConfigurationErrors(file: file, "cannot be read: \(reason(error, file))")
        }
        if let text = String(data: data, encoding: .utf8) { return text }
        let valid = String(decoding: data, as: UTF8.self).prefix { $0 != "\u{fffd}" }
        throw ConfigurationErrors(
            file: file, position: Position(after: valid), "this is not UTF-8 text; save it as UTF-8"
        )
    }

    /// Why a file cannot be read.
    static func reason(_ error: any Error, _ file: String) -> String {
        let type = (try? FileManager.default.attributesOfItem(atPath: file))?[.type]
        switch type as? FileAttributeType {
        case .typeDirectory?: return "it is a directory; name a file"
        case .typeRegular?, .typeSymbolicLink?, nil: break
        default: return "it is no regular file; write what it says to one, and name that"
        }
        switch (error as? CocoaError)?.code {
        case .fileReadNoSuchFile, .fileNoSuchFile: return "no such file; check the path"
        case .fileReadNoPermission: return "no permission; check its owner and mode"
        default:
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            return (cause ?? error as NSError).localizedDescription
        }
    }
}
