// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

/// A file of a cluster's endpoints, one a line.
///
///     10.0.0.11:9093
///     [2001:db8::12]:9093 weight=5 priority=1
struct EndpointList {
    private(set) var endpoints: [Endpoint] = []

    init(_ text: [UInt8]) throws(ListedFault) {
        var lines: [TransportAddress: Int] = [:]
        for (number, content) in ListedLines(text) {
            let words = content.split(whereSeparator: ListedLines.isBlank)
                .map { String(decoding: $0, as: UTF8.self) }
            let endpoint = try Self.endpoint(words, line: number)
            if let earlier = lines.updateValue(number, forKey: endpoint.address) {
                throw ListedFault(
                    line: number,
                    "repeats \(endpoint.address) of line \(earlier); use weight=N")
            }
            endpoints.append(endpoint)
        }
    }

    private static func endpoint(_ words: [String], line: Int) throws(ListedFault) -> Endpoint {
        guard let address = Form.endpointAddress.parse(words[0]) else {
            let accepted = ListedFault.accepted(Form.endpointAddress)
            throw ListedFault(
                line: line, "begins with \(quoted(words[0])); write \(accepted)", found: words[0])
        }
        var weight = Defaults.weight
        var priority = Defaults.priority
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            switch (parts.first, parts.count == 2 ? Int(parts[1]) : nil) {
            case ("weight", let value?) where (0...65535).contains(value): weight = value
            case ("priority", let value?) where (0...255).contains(value): priority = value
            default:
                throw ListedFault(
                    line: line,
                    "has \(quoted(word)); write weight=N, 0 to 65535, or priority=N, "
                        + "0 to 255")
            }
        }
        return Endpoint(address: address, weight: weight, priority: priority)
    }
}

extension ConfigurationReader {
    /// The endpoints in the file that a cluster names.
    func endpoints(
        inFile path: String, _ entry: Entry, of cluster: Entry,
        _ places: inout [(TransportAddress, Position)]
    ) -> [Endpoint] {
        guard let text = text(named: path, entry) else { return [] }
        do throws(ListedFault) {
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
            report(error, in: path, entry)
            return []
        }
    }
}
