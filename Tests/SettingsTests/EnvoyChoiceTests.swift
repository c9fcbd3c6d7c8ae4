// SPDX-License-Identifier: Apache-2.0

import Settings
import Testing

/// A filter chain at random, and Envoy's way to choose among them, written down a second time.
private struct RandomChain {
    var names: [String]
    var protocols: [String]
    var sources: [(block: String, length: Int)]
    var transport: String?
    let cluster: String

    static let names = ["a.x.test", "*.x.test", "*.test", "b.test", "*.b.x.test"]
    static let protocols = ["h2", "mq", "http/1.1"]
    static let sources = [("10.0.0.0", 8), ("10.1.0.0", 16), ("192.0.2.0", 24)]

    init(_ cluster: String, _ numbers: inout FixedNumbers) {
        func some<Item>(_ all: [Item]) -> [Item] {
            guard Bool.random(using: &numbers) else { return [] }
            return all.filter { _ in Int.random(in: 0..<3, using: &numbers) == 0 }
        }
        self.cluster = cluster
        names = some(Self.names)
        protocols = some(Self.protocols)
        sources = some(Self.sources).map { (block: $0.0, length: $0.1) }
        transport = ["tls", "raw_buffer", nil, nil].randomElement(using: &numbers) ?? nil
        if transport == "raw_buffer" { (names, protocols) = ([], []) }
    }

    var text: String {
        var parts: [String] = []
        if !names.isEmpty {
            parts.append("server_names: [\(names.map { "\"\($0)\"" }.joined(separator: ", "))]")
        }
        if !protocols.isEmpty {
            parts.append("application_protocols: [\(protocols.joined(separator: ", "))]")
        }
        if !sources.isEmpty {
            let blocks = sources.map { "{address_prefix: \($0.block), prefix_len: \($0.length)}" }
            parts.append("source_prefix_ranges: [\(blocks.joined(separator: ", "))]")
        }
        if let transport { parts.append("transport_protocol: \(transport)") }
        return Bootstrap.chain(parts.joined(separator: ", "), "cluster: \(cluster)")
    }

    /// The length of its longest block with the address; 0 where it asks for none; nil: not there.
    func prefix(of address: String) -> Int? {
        if sources.isEmpty { return 0 }
        let inside = sources.filter { source in
            let bytes = source.length / 8
            return source.block.split(separator: ".").prefix(bytes)
                == address.split(separator: ".").prefix(bytes)
        }
        return inside.map(\.length).max()
    }

    /// The steps of Envoy: each keeps the most specific ones, and there is no way back.
    static func choice(
        of chains: [RandomChain], sni: String?, alpn: [String], from source: String, tls: Bool
    ) -> String? {
        var left = chains
        let labels = (tls ? sni ?? "" : "").split(separator: ".")
        let wanted =
            [labels.joined(separator: ".")]
            + labels.indices.dropFirst().map { "*." + labels[$0...].joined(separator: ".") }
        let name = wanted.first { name in left.contains { $0.names.contains(name) } }
        left = left.filter { name.map($0.names.contains) ?? $0.names.isEmpty }
        let transport = tls ? "tls" : "raw_buffer"
        let isExact = left.contains { $0.transport == transport }
        left = left.filter { $0.transport == (isExact ? transport : nil) }
        let offered = tls ? alpn : []
        let chosen = offered.first { name in left.contains { $0.protocols.contains(name) } }
        left = left.filter { chosen.map($0.protocols.contains) ?? $0.protocols.isEmpty }
        return left.compactMap { chain in chain.prefix(of: source).map { (chain, $0) } }
            .max { $0.1 < $1.1 }?.0.cluster
    }
}

@Suite struct `Envoy's choice among filter chains` {
    private struct Client {
        let sni: String?
        let alpn: [String]
        let source: String
        let tls: Bool

        static let all: [Client] = {
            var all: [Client] = []
            for source in ["10.1.2.3", "10.9.9.9", "192.0.2.5", "8.8.8.8"] {
                all.append(Client(sni: nil, alpn: [], source: source, tls: false))
                for sni in ["a.x.test", "c.b.x.test", "b.x.test", "b.test", "z", nil] {
                    for alpn in [[], ["h2"], ["mq", "h2"], ["http/1.1", "mq"], ["other", "h2"]] {
                        all.append(Client(sni: sni, alpn: alpn, source: source, tls: true))
                    }
                }
            }
            return all
        }()
    }

    /// The file, unless some of its chains take the same clients, which Envoy refuses too.
    private func configuration(_ text: String) -> Configuration? {
        do throws(ConfigurationErrors) {
            return try Configuration.parse(text: text, fileName: "random.yaml")
        } catch {
            #expect(error.errors.allSatisfy { $0.sentence.contains("takes the same clients") })
            return nil
        }
    }

    @Test(arguments: 0..<8)
    func `is ours for any client of any chains`(seed: Int) throws {
        var numbers = FixedNumbers(state: UInt64(seed + 100))
        var compared = 0
        while compared < 8 {
            let count = Int.random(in: 1...5, using: &numbers)
            let chains = (0..<count).map { RandomChain(["a", "b", "c"][$0 % 3], &numbers) }
            let standard = Bool.random(using: &numbers) ? "b" : nil
            let more = standard.map {
                ["default_filter_chain: {filters: [\(Bootstrap.filter("cluster: \($0)"))]}"]
            }
            let text = Bootstrap.text(chains.map(\.text), more ?? [])
            guard let configuration = configuration(text) else { continue }
            compared += 1
            for client in Client.all {
                let expected = RandomChain.choice(
                    of: chains, sni: client.sni, alpn: client.alpn, from: client.source,
                    tls: client.tls)
                let found = try configuration.target(
                    sni: client.sni, alpn: client.alpn, from: client.source, tls: client.tls)
                // Not by #expect: there are 8,000 of them.
                if found != expected ?? standard {
                    Issue.record(
                        "\(client): \(found ?? "nowhere"), not \(expected ?? "-")\n\(text)")
                }
            }
        }
    }
}
