// SPDX-License-Identifier: Apache-2.0

internal import Yams

/// An extension of Envoy: its name, and its configuration with the type that it has.
struct EnvoyTyped {
    let name: String
    /// Of the name.
    let position: Position
    /// The last word of `@type`: `TcpProxy`.
    let type: String?
    let config: Entry?

    /// The last word of the name: `tcp_proxy`.
    var lastWord: String { Self.lastWord(name) }

    static func lastWord(_ text: String) -> String {
        text.split { $0 == "." || $0 == "/" }.last.map(String.init) ?? ""
    }
}

extension EnvoyReader {
    /// What is named and typed in `entry`; nil when it is not, which is reported.
    func typed(_ entry: Entry, title: String) -> EnvoyTyped? {
        guard let section = SectionReader<EnvoyExtension>(reader, entry, title: title),
            let name = section.required(EnvoyExtension.name)
        else { return nil }
        let config = section.entry(EnvoyExtension.config)
        return EnvoyTyped(
            name: name.value, position: name.position, type: config.flatMap { type(of: $0) },
            config: config)
    }

    func type(of config: Entry) -> String? {
        guard case .mapping(let mapping) = config.value else { return nil }
        for (key, value) in mapping where reader.document.name(of: key) == "@type" {
            if case .scalar(let scalar) = value { return EnvoyTyped.lastWord(scalar.string) }
        }
        return nil
    }
}
