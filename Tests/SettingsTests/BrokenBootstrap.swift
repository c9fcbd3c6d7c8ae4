// SPDX-License-Identifier: Apache-2.0

import Settings
import Testing

/// A bootstrap of Envoy with something wrong, or that has no counterpart here.
struct BrokenBootstrap: Sendable, CustomTestStringConvertible {
    /// What stands at the places of a bootstrap that is right; a part may have several lines.
    struct Parts: Sendable {
        var address = "{socket_address: {address: 192.0.2.1, port_value: 443}}"
        var inspector = "{name: envoy.filters.listener.tls_inspector}"
        var listener = "stat_prefix: tls"
        var match = "server_names: [a.test]"
        var chain = "name: first"
        var filter = "envoy.filters.network.tcp_proxy"
        var type = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
        var proxy = "cluster: web"
        var cluster = "type: STATIC"
        var assignment = "cluster_name: web"
        var member =
            "{endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 443}}}}"
        var top = "admin: {}"

        var text: String {
            """
            static_resources:
              listeners:
              - name: tls
                address: \(address)
                listener_filters: [\(inspector)]
                \(listener)
                filter_chains:
                - filter_chain_match: {\(match)}
                  \(chain)
                  filters:
                  - name: \(filter)
                    typed_config:
                      "@type": type.googleapis.com/\(type)
                      \(proxy)
              clusters:
              - name: web
                \(cluster)
                load_assignment:
                  \(assignment)
                  endpoints:
                  - lb_endpoints:
                    - \(member)
            \(top)

            """
        }
    }

    let testDescription: String
    let text: String
    let errors: String

    init(_ name: String, _ parts: Parts, errors: String) {
        testDescription = name
        text = parts.text
        self.errors = errors
    }

    static let all = listeners + chains + filters + clusters + health
}

@Suite struct `Errors of Envoy's bootstraps` {
    @Test(arguments: BrokenBootstrap.all)
    func `say place, key and what to do`(file: BrokenBootstrap) {
        let errors = #expect(throws: ConfigurationErrors.self) {
            try Configuration.parse(text: file.text, fileName: "envoy.yaml")
        }
        #expect(errors?.description == file.errors)
    }

    @Test func `come from files that are right but for them`() throws {
        _ = try Configuration.parse(text: BrokenBootstrap.Parts().text, fileName: "envoy.yaml")
        #expect(BrokenBootstrap.all.count >= 50)
    }
}
