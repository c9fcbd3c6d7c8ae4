// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// Health checks and outlier detection in a bootstrap of Envoy.
    @Suite(.needsBalancer) struct `Health in Envoy's bootstraps` {
        /// A listener whose cluster has these keys, and endpoints on these ports.
        private func bootstrap(_ keys: String, _ ports: [Int]) -> String {
            let members = ports.map { port in
                "{endpoint: {address: {socket_address: {address: 10.0.0.10, port_value: \(port)}}}}"
            }
            let types = "type.googleapis.com/envoy.extensions.filters"
            return """
                static_resources:
                  listeners:
                  - name: tls
                    address: {socket_address: {address: \(Family.v4.vip), port_value: 443}}
                    listener_filters:
                    - name: envoy.filters.listener.tls_inspector
                      typed_config: {"@type": \(types).listener.tls_inspector.v3.TlsInspector}
                    filter_chains:
                    - filters:
                      - name: envoy.filters.network.tcp_proxy
                        typed_config:
                          "@type": \(types).network.tcp_proxy.v3.TcpProxy
                          stat_prefix: tls
                          cluster: web
                  clusters:
                  - name: web
                    type: STATIC
                    load_assignment:
                      cluster_name: web
                      endpoints: [{lb_endpoints: [\(members.joined(separator: ", "))]}]
                \(keys.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))

                """
        }

        private func write(_ text: String, _ lab: Lab) throws -> String {
            let file = "\(lab.state)/envoy.yaml"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            return file
        }

        private static let threshold = "unhealthy_threshold: 1, healthy_threshold: 1"

        /// What is translated is spelt as Envoy spells it, and has the types that it wants.
        @Test(
            .needsEnvoy,
            arguments: [
                """
                close_connections_on_host_health_failure: true
                common_lb_config: {healthy_panic_threshold: {value: 30}, update_merge_window: 1s}
                health_checks:
                - timeout: 0.5s
                  interval: 3s
                  unhealthy_threshold: 4
                  healthy_threshold: 2
                  unhealthy_interval: 10s
                  interval_jitter_percent: 20
                  reuse_connection: false
                  tcp_health_check: {send: {text: 50494E47}, receive: [{binary: UE9ORw==}]}
                outlier_detection:
                  consecutive_5xx: 3
                  interval: 2s
                  base_ejection_time: 5s
                  max_ejection_time: 50s
                  max_ejection_percent: 40
                  enforcing_consecutive_5xx: 100
                  enforcing_consecutive_local_origin_failure: 100
                  enforcing_consecutive_gateway_failure: 0
                  enforcing_success_rate: 0
                  enforcing_local_origin_success_rate: 0
                  enforcing_failure_percentage: 0
                  enforcing_failure_percentage_local_origin: 0
                  successful_active_health_check_uneject_host: false
                """,
                """
                health_checks:
                - timeout: 0.5s
                  interval: 3s
                  \(threshold.replacing(", ", with: "\n  "))
                  http_health_check:
                    path: /up
                    host: w.test
                    expected_statuses: [{start: 200, end: 300}]
                    method: GET
                    codec_client_type: HTTP1
                outlier_detection:
                  split_external_local_origin_errors: true
                  consecutive_local_origin_failure: 2
                  max_ejection_percent: 100
                """,
            ])
        func `is of the form that Envoy has`(keys: String) async throws {
            try await withLab { lab in
                let file = try write(bootstrap(keys, [9093, 9094, 9095]), lab)
                let envoy = try await Command.run(
                    [Requirements.envoyProgram, "--mode", "validate", "-c", file])
                #expect(envoy.isSuccess, "\(envoy)")
                let ours = try await lab.runBalancer("check", file)
                #expect(ours.isSuccess, "\(ours)")
            }
        }

        @Test func `is looked after by our own checks`() async throws {
            let check =
                "health_checks: [{timeout: 0.5s, interval: 0.2s, \(Self.threshold), "
                + "tcp_health_check: {}}]"
            try await withLab { lab in
                let file = try write(bootstrap(check, [9093, 9998]), lab)
                // The log of a bootstrap is for people; in our own form it is for this test.
                let converted = try await lab.runBalancer("convert", file)
                let interfaces = lab.layout.interfaces.joined(separator: ", ")
                let text = converted.text
                    .replacing("instance: sluice", with: "instance: \(lab.name)")
                    .replacing("format: human", with: "format: json")
                let own = "interfaces: [\(interfaces)]\n" + text
                _ = try await lab.startBalancer(file: write(own, lab), options: [])
                #expect(try await lab.wait(for: "down", of: 9998))
                #expect(try await lab.wait(for: "up", of: 9093))
                for _ in 1...4 {
                    let name = "kafka1.server.test"
                    let answer = try await lab.greet(name, at: .listener(.v4))
                    #expect(answer.text == "\(name) 10.0.0.10 9093\n", "\(answer)")
                }
                #expect(try await lab.counter("daemon_failed_attempts") == 0)
            }
        }
    }
}
