// SPDX-License-Identifier: Apache-2.0

/// A cluster's name that follows from the server name: `kafka$1`, where `$1` is what the first group
/// of the route's expression matched. Only clusters of the configuration can be meant: nobody gets
/// anywhere else by asking for it.
public struct DerivedCluster: Hashable, Sendable {
    private enum Part: Hashable, Sendable {
        case text(String)
        case group(Int)
    }

    /// As it was written.
    public let template: String
    /// The clusters that can be meant, by name, with their places in the configuration's list.
    public let clusters: [String: Int]
    private let parts: [Part]

    /// A template and all clusters. Nil: a `$` without a digit from 1 to 9 behind it, or none at all.
    public init?(_ template: String, among all: [String: Int]) {
        var parts: [Part] = []
        var rest = template[...]
        while let dollar = rest.firstIndex(of: "$") {
            let behind = rest.index(after: dollar)
            guard behind < rest.endIndex, let number = rest[behind].wholeNumberValue,
                (1...9).contains(number)
            else { return nil }
            if dollar > rest.startIndex { parts.append(.text(String(rest[..<dollar]))) }
            parts.append(.group(number))
            rest = rest[rest.index(after: behind)...]
        }
        guard !parts.isEmpty else { return nil }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        self.template = template
        self.parts = parts
        var (prefix, suffix) = ("", "")
        if case .text(let text)? = parts.first { prefix = text }
        if case .text(let text)? = parts.last { suffix = text }
        clusters = all.filter { name, _ in
            name.utf8.count >= prefix.utf8.count + suffix.utf8.count && name.hasPrefix(prefix)
                && name.hasSuffix(suffix)
        }
    }

    /// The highest group that it uses.
    public var highestGroup: Int {
        parts.reduce(0) { highest, part in
            if case .group(let number) = part { max(highest, number) } else { highest }
        }
    }

    /// The cluster for a name; nil when there is none of that name.
    func cluster(_ name: Span<UInt8>, _ groups: [Range<Int>?]) -> Int? {
        var text = ""
        for part in parts {
            switch part {
            case .text(let literal): text += literal
            case .group(let number):
                guard let range = groups[number - 1] else { continue }
                for index in range { text.unicodeScalars.append(UnicodeScalar(name[index])) }
            }
        }
        return clusters[text]
    }
}
