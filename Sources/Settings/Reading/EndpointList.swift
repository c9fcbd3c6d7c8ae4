// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Foundation
internal import WireTypes

/// A file of a cluster's endpoints, one a line; `#` begins a comment.
///
///     10.0.0.11:9093
///     [2001:db8::12]:9093 weight=5 priority=1
struct EndpointList {
    /// A line that is none, and what to write in its place.
    struct Fault: Error {
        let line: Int
        let sentence: String
    }

    private(set) var endpoints: [Endpoint] = []

    init(_ text: String) throws(Fault) {
        var lines: [TransportAddress: Int] = [:]
        let all = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in all.enumerated() {
            let content = line.prefix { $0 != "#" }
            let words = content.split(whereSeparator: \.isWhitespace).map(String.init)
            guard !words.isEmpty else { continue }
            let endpoint = try Self.endpoint(words, line: index + 1)
            if let earlier = lines.updateValue(index + 1, forKey: endpoint.address) {
                throw Fault(
                    line: index + 1,
                    sentence: "repeats \(endpoint.address) of line \(earlier); use weight=N")
            }
            endpoints.append(endpoint)
        }
    }

    private static func endpoint(_ words: [String], line: Int) throws(Fault) -> Endpoint {
        guard let address = Form.endpointAddress.parse(words[0]) else {
            throw Fault(
                line: line,
                sentence: "begins with \(quoted(words[0])); write "
                    + Form.endpointAddress.accepted)
        }
        var weight = Defaults.weight
        var priority = Defaults.priority
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            switch (parts.first, parts.count == 2 ? Int(parts[1]) : nil) {
            case ("weight", let value?) where (0...65535).contains(value): weight = value
            case ("priority", let value?) where (0...255).contains(value): priority = value
            default:
                throw Fault(
                    line: line,
                    sentence: "has \(quoted(word)); write weight=N, 0 to 65535, or priority=N, "
                        + "0 to 255")
            }
        }
        return Endpoint(address: address, weight: weight, priority: priority)
    }
}

extension ConfigurationReader {
    /// The text of a file that this one names, relative to its own place; nil, and reported, when it
    /// cannot be read.
    func text(named path: String, _ entry: Entry) -> String? {
        let folder = URL(fileURLWithPath: document.fileName).deletingLastPathComponent()
        let url = URL(fileURLWithPath: path, relativeTo: folder)
        note(file: url.path)
        if let data = try? Data(contentsOf: url), let text = String(data: data, encoding: .utf8) {
            return text
        }
        report(
            entry.valuePosition,
            "\(quoted(entry.name)) is \(quoted(path)), which cannot be read as text; its place is "
                + "meant relative to this file")
        return nil
    }

    /// The endpoints in the file that a cluster names.
    func endpoints(
        inFile path: String, _ entry: Entry, of cluster: Entry,
        _ places: inout [(TransportAddress, Position)]
    ) -> [Endpoint] {
        guard let text = text(named: path, entry) else { return [] }
        do throws(EndpointList.Fault) {
            let endpoints = try EndpointList(text).endpoints
            places += endpoints.map { ($0.address, entry.valuePosition) }
            if endpoints.isEmpty || endpoints.count > Cluster.endpointLimit {
                let count = endpoints.isEmpty ? "no" : "\(endpoints.count)"
                report(
                    entry.valuePosition,
                    "cluster \(quoted(cluster.name)) has \(count) endpoints in \(quoted(path)); "
                        + "write 1 to \(Cluster.endpointLimit)")
            }
            return endpoints
        } catch {
            report(
                entry.valuePosition, "line \(error.line) of \(quoted(path)) \(error.sentence)")
            return []
        }
    }
}
