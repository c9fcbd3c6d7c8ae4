// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// Both balancers get the same file and the same clients, one after the other.
    @Suite(.needsEnvoy) struct `Beside a real Envoy` {
        /// What answers to each client.
        private func answers(
            _ clients: [RoutedClient], _ lab: Lab, port: Int
        ) async throws -> [RoutedClient: String] {
            var answers: [RoutedClient: String] = [:]
            for client in clients {
                answers[client] = try await lab.endpoint(answering: client, port: port)
            }
            return answers
        }

        private func expectSame(_ file: String, _ clients: [RoutedClient], port: Int, _ lab: Lab)
            async throws -> [RoutedClient: String]
        {
            let envoy = try await lab.startEnvoy(file, port: port)
            let expected = try await answers(clients, lab, port: port)
            envoy.send(SIGTERM)
            try await envoy.wait(.seconds(20))
            let interfaces = lab.layout.interfaces.flatMap { ["--ifindex", $0] }
            _ = try await lab.startBalancer(
                file: file, options: ["--instance", lab.name] + interfaces)
            let found = try await answers(clients, lab, port: port)
            for client in clients { #expect(found[client] == expected[client], "\(client)") }
            return found
        }

        @Test func `the sample for Kafka leads to the same brokers`() async throws {
            try await withLab { lab in
                let names = (1...4).map { "kafka\($0).server.test" } + ["server.test"]
                let clients =
                    names.map { RoutedClient(family: .v4, name: $0) } + [RoutedClient(family: .v4)]
                let found = try await expectSame(
                    "\(Checkout.samples)/tcp_proxy_config.yaml", clients, port: 9093, lab)
                let brokers = (1...3).map { "\(names[$0 - 1]) 10.0.0.11 \(9092 + $0)" }
                #expect(Set(found.values) == Set(brokers))
            }
        }

        /// Names, wildcards, ALPN, sources, no name, no TLS; what is left goes away or to the default.
        @Test(arguments: [true, false])
        func `filter chains take the same clients`(hasDefault: Bool) async throws {
            try await withLab { lab in
                try await lab.startPlainEndpoint(port: 8080)
                let file = "\(lab.state)/envoy.yaml"
                try bootstrap(hasDefault: hasDefault)
                    .write(toFile: file, atomically: true, encoding: .utf8)
                let names = [
                    "n.web.test", "N.Web.test", "a.web.test", "x.deep.web.test", "web.test",
                    "kafka1.server.test", "kafka2.server.test", "other.test", nil,
                ]
                let protocols = [nil, "http/1.1", "mq,http/1.1", "http/1.1,mq"]
                var clients: [RoutedClient] = []
                for family in Family.allCases {
                    clients.append(RoutedClient(family: family, speaksTLS: false))
                    for name in names {
                        clients += protocols.map {
                            RoutedClient(family: family, name: name, protocols: $0)
                        }
                    }
                }
                let found = try await expectSame(file, clients, port: 443, lab)
                // Every cluster is reached, and some clients are turned away without a default.
                #expect(Set(found.values).count == 5, "\(found)")
                #expect((found.count == clients.count) == hasDefault, "\(found)")
            }
        }

        private func bootstrap(hasDefault: Bool) -> String {
            let v4 = "source_prefix_ranges: [{address_prefix: 198.51.100.0, prefix_len: 24}]"
            let wide = "source_prefix_ranges: [{address_prefix: 198.0.0.0, prefix_len: 8}]"
            let v6 = "source_prefix_ranges: [{address_prefix: \"2001:db8:c::\", prefix_len: 48}]"
            let other = "source_prefix_ranges: [{address_prefix: 203.0.113.0, prefix_len: 24}]"
            let chains = [
                chain("server_names: [n.web.test], application_protocols: [http/1.1]", "kafka1"),
                chain("server_names: [n.web.test], application_protocols: [mq], \(v4)", "kafka2"),
                chain("server_names: [\"*.web.test\"]", "web"),
                chain("server_names: [\"*.deep.web.test\"], transport_protocol: tls", "kafka3"),
                chain("server_names: [kafka1.server.test], \(v4)", "kafka1"),
                chain("server_names: [kafka1.server.test], \(wide)", "kafka3"),
                chain("server_names: [kafka1.server.test], \(v6)", "kafka2"),
                chain("server_names: [kafka2.server.test], \(other)", "kafka2"),
                chain("transport_protocol: tls, application_protocols: [mq], \(v6)", "kafka3"),
                chain("application_protocols: [http/1.1]", "web"),
                chain("transport_protocol: raw_buffer", "plain"),
            ]
            let ports = [
                "kafka1": 9093, "kafka2": 9094, "kafka3": 9095, "web": 9096, "plain": 8080,
            ]
            let clusters = ports.keys.sorted().map { cluster($0, ports[$0] ?? 0) }
            var lines = [
                "static_resources:", "  listeners:", "  - name: tls",
                "    address: \(socket("192.0.2.1", 443))",
                "    additional_addresses: [{address: \(socket("\"2001:db8:f::1\"", 443))}]",
                "    listener_filters: [\(typed("listener.tls_inspector.v3.TlsInspector"))]",
                "    filter_chains:",
            ]
            lines += chains.map { "    - \($0)" }
            if hasDefault { lines.append("    default_filter_chain: \(chain(nil, "kafka2"))") }
            return (lines + ["  clusters:"] + clusters.map { "  - \($0)" })
                .joined(separator: "\n") + "\n"
        }

        private func socket(_ address: String, _ port: Int) -> String {
            "{socket_address: {address: \(address), port_value: \(port)}}"
        }

        private func typed(_ type: String, _ more: String = "") -> String {
            "{name: \(type), typed_config: "
                + "{\"@type\": type.googleapis.com/envoy.extensions.filters.\(type)\(more)}}"
        }

        private func chain(_ match: String?, _ cluster: String) -> String {
            let proxy = typed(
                "network.tcp_proxy.v3.TcpProxy", ", stat_prefix: s, cluster: \(cluster)")
            return (match.map { "{filter_chain_match: {\($0)}, " } ?? "{") + "filters: [\(proxy)]}"
        }

        private func cluster(_ name: String, _ port: Int) -> String {
            "{name: \(name), type: STATIC, load_assignment: {cluster_name: \(name), endpoints: "
                + "[{lb_endpoints: [{endpoint: {address: \(socket("10.0.0.10", port))}}]}]}}"
        }
    }
}
