// SPDX-License-Identifier: Apache-2.0

import Balancing
import Settings
import Testing
import WireTypes

@Suite struct `Envoy's health checks` {
    private static let times =
        "timeout: 0.5s, interval: 3s, unhealthy_threshold: 4, healthy_threshold: 2"

    /// The cluster `web` with these keys and endpoints on ports from 1 on, and what is warned of.
    private func cluster(
        _ keys: String, endpoints: Int = 1, name: String = "web"
    ) throws -> (cluster: Cluster, warnings: [String]) {
        let members = (1...endpoints).map { port in
            "{endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: \(port)}}}}"
        }
        let text = """
            static_resources:
              listeners:
            \(Bootstrap.listener([Bootstrap.chain("", "cluster: \(name)")]))
              clusters:
              - name: \(name)
                load_assignment: {endpoints: [{lb_endpoints: [\(members.joined(separator: ", "))]}]}
                \(keys)
            """
        var warnings: [String] = []
        let configuration = try Configuration.parse(text: text, fileName: "envoy.yaml") {
            warnings.append($0.sentence)
        }
        // What is printed of it is the same.
        let printed = try Configuration.parse(text: configuration.text, fileName: "own.yaml")
        #expect(printed.clusters == configuration.clusters)
        #expect(try SchemaValidator.complaints(configuration.text) == [])
        return (try #require(configuration.clusters.first), warnings)
    }

    @Test func `by a connect become ours`() throws {
        let (cluster, warnings) = try cluster(
            "health_checks: [{\(Self.times), unhealthy_interval: 10s, interval_jitter_percent: 20, "
                + "reuse_connection: false, tcp_health_check: {}}]")
        var expected = HealthCheck()
        expected.timeout = .milliseconds(500)
        expected.interval = .seconds(3)
        expected.fall = 4
        expected.rise = 2
        expected.downInterval = .seconds(10)
        expected.jitter = 20
        // Envoy gives an endpoint no clients before its first good check.
        expected.start = .waitForFirst
        #expect(cluster.health == expected)
        #expect(cluster.ejection == nil && cluster.onDown == .keep)
        #expect(cluster.balance.panicThreshold == 50)
        #expect(warnings == [])
    }

    @Test func `without jitter have none`() throws {
        let health = try cluster("health_checks: [{\(Self.times), tcp_health_check: {}}]")
            .cluster.health
        #expect(health?.jitter == 0 && health?.downInterval == nil)
    }

    @Test func `by HTTP become ours`() throws {
        let (cluster, warnings) = try cluster(
            "health_checks: [{\(Self.times), http_health_check: {path: /up, host: w.test, "
                + "expected_statuses: [{start: 200, end: 300}], method: GET, "
                + "codec_client_type: HTTP1}}]")
        #expect(cluster.health?.kind == .http && cluster.health?.path == "/up")
        #expect(cluster.health?.status == 200...299)
        #expect(cluster.health?.serverName == ServerName("w.test"))
        #expect(
            warnings == [
                "an answer with another status takes an endpoint out after 4 checks in a row; in "
                    + "Envoy one is enough"
            ])
    }

    @Test func `by HTTP want 200 and ask for the cluster's name, as Envoy does`() throws {
        let health = try cluster(
            "health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, "
                + "healthy_threshold: 1, http_health_check: {path: /}}]"
        ).cluster.health
        #expect(health?.status == 200...200)
        #expect(health?.serverName == ServerName("web"))
    }

    @Test(arguments: [
        ("receive: [{text: 504F4E47}]", "", "PONG"),
        ("send: {text: 50494E47}, receive: [{binary: UE9ORw==}]", "PING", "PONG"),
        ("send: {binary: AAH/}, receive: [{text: 00ff}]", "hex:0001ff", "hex:00ff"),
    ])
    func `by bytes become ours`(keys: String, send: String, expect: String) throws {
        let health = try cluster(
            "health_checks: [{\(Self.times), tcp_health_check: {\(keys)}}]"
        ).cluster.health
        #expect(health?.kind == .send)
        #expect(health?.send == ProbeBytes(send) && health?.expect == ProbeBytes(expect))
    }

    @Test func `may reset the connections of what is down`() throws {
        let check = "health_checks: [{\(Self.times), tcp_health_check: {}}]"
        let key = "close_connections_on_host_health_failure"
        #expect(try cluster("\(check)\n    \(key): true").cluster.onDown == .reset)
        #expect(try cluster("\(check)\n    \(key): false").cluster.onDown == .keep)
    }

    @Test func `have the panic threshold that is written`() throws {
        let check = "health_checks: [{\(Self.times), tcp_health_check: {}}]"
        let common = "common_lb_config: {healthy_panic_threshold: {value: 30}}"
        #expect(try cluster("\(check)\n    \(common)").cluster.balance.panicThreshold == 30)
        #expect(try cluster(common).cluster.balance.panicThreshold == 30)
        #expect(try cluster("type: STATIC").cluster.balance == Balance())
    }

    @Test func `and outliers become ejections`() throws {
        let (cluster, warnings) = try cluster(
            "outlier_detection: {consecutive_5xx: 3, interval: 2s, base_ejection_time: 5s, "
                + "max_ejection_time: 50s, max_ejection_percent: 40, enforcing_consecutive_5xx: 100, "
                + "enforcing_success_rate: 0}", endpoints: 5)
        var expected = Ejection()
        expected.failures = 3
        expected.base = .seconds(5)
        expected.maxShare = 40
        #expect(cluster.ejection == expected)
        #expect(cluster.health == nil && cluster.balance.panicThreshold == 50)
        #expect(warnings == [])
    }

    @Test func `and outliers of one's own side become ejections`() throws {
        let ejection = try cluster(
            "outlier_detection: {split_external_local_origin_errors: true, "
                + "consecutive_local_origin_failure: 2, max_ejection_percent: 100}"
        ).cluster.ejection
        #expect(ejection?.failures == 2 && ejection?.maxShare == 100)
    }

    @Test func `and outliers have Envoy's defaults, with warnings where they differ`() throws {
        let (cluster, warnings) = try cluster("outlier_detection: {}", endpoints: 6)
        var expected = Ejection()
        expected.failures = 5
        expected.base = .seconds(30)
        expected.maxShare = 10
        #expect(cluster.ejection == expected)
        #expect(
            warnings == [
                "of 6 endpoints, \"max_ejection_percent\" 10, Envoy's default, lets none be taken "
                    + "out",
                "Envoy judges endpoints by their rate of successes, too, and sluice does not; write "
                    + "\"enforcing_success_rate\": 0 if that is meant",
            ])
        let both = try self.cluster(
            "health_checks: [{\(Self.times), tcp_health_check: {}}]\n"
                + "    outlier_detection: {base_ejection_time: 1s, max_ejection_percent: 50}",
            endpoints: 2
        ).warnings
        #expect(
            both == [
                "an endpoint is out for at most 10s, ten times this, and not for 300s as Envoy would "
                    + "have it",
                "a good health check ends no ejection here; write "
                    + "\"successful_active_health_check_uneject_host\": false if that is meant",
            ])
    }
}
