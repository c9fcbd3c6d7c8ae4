// SPDX-License-Identifier: Apache-2.0

import Balancing
import Settings
import Testing

/// What is translated beside routes, endpoints and checks.
@Suite struct `Envoy's logs, bounds and names` {
    /// A bootstrap of one cluster `web` with these keys, and what is warned of. What is printed of it is
    /// the same.
    private func read(
        cluster keys: String = "type: STATIC", hosts: [String] = ["10.0.0.1"],
        proxies: [String] = ["cluster: web"]
    ) throws -> (configuration: Configuration, warnings: [String]) {
        let members = hosts.map { host in
            "{endpoint: {address: {socket_address: {address: \(host), port_value: 443}}}}"
        }
        let chains = proxies.enumerated().map { index, proxy in
            Bootstrap.chain("server_names: [\(index).test]", proxy)
        }
        let text = """
            static_resources:
              listeners:
            \(Bootstrap.listener(chains))
              clusters:
              - name: web
                load_assignment: {endpoints: [{lb_endpoints: [\(members.joined(separator: ", "))]}]}
                \(keys)
            """
        var warnings: [String] = []
        let configuration = try Configuration.parse(text: text, fileName: "envoy.yaml") {
            warnings.append($0.sentence)
        }
        let printed = try Configuration.parse(text: configuration.text, fileName: "own.yaml")
        #expect(printed == configuration)
        #expect(try SchemaValidator.complaints(configuration.text) == [])
        return (configuration, warnings)
    }

    @Test(arguments: [
        ("{name: envoy.access_loggers.stdout}", ConnectionLogPlace.standardOutput),
        ("{name: l, typed_config: {'@type': a/x.v3.StderrAccessLog}}", .standardError),
        ("{name: envoy.access_loggers.file, typed_config: {path: /dev/stdout}}", .standardOutput),
        ("{name: l, typed_config: {'@type': a/x.v3.FileAccessLog, path: /v/a}}", .file("/v/a")),
    ])
    func `become the connection log`(logger: String, place: ConnectionLogPlace) throws {
        let proxy = "cluster: web, access_log: [\(logger)]"
        let (configuration, warnings) = try read(proxies: [proxy, proxy])
        #expect(configuration.log.connections == place)
        #expect(
            warnings == [
                "lines of the access log are JSON with keys of sluice's own, one for each connection "
                    + "that is over"
            ])
    }

    @Test(arguments: [true, false])
    func `are for all connections, which is said where some have none`(isFirst: Bool) throws {
        let proxies = [
            "cluster: web, access_log: [{name: stderr}]", "cluster: web, access_log: []",
        ]
        let (configuration, warnings) = try read(proxies: isFirst ? proxies : proxies.reversed())
        #expect(configuration.log.connections == .standardError)
        #expect(warnings.count == 2 && warnings[1].hasPrefix("connections of filters without"))
    }

    @Test func `cannot go to two places`() throws {
        let error = #expect(throws: ConfigurationErrors.self) {
            try read(proxies: [
                "cluster: web, access_log: [{name: stderr}]",
                "cluster: web, access_log: [{name: stdout}]",
            ])
        }
        let sentence = error?.errors.first?.sentence ?? ""
        #expect(sentence.hasPrefix("this access log goes to stdout, and the one in line"))
    }

    @Test func `are off without an access log`() throws {
        let (configuration, warnings) = try read()
        #expect(configuration.log.connections == .off && warnings == [])
    }

    @Test(
        arguments: [
            ("{thresholds: [{max_connections: 100}]}", 100),
            (
                "{thresholds: [{priority: DEFAULT, max_connections: 16777216, track_remaining: true}]}",
                16_777_216
            ),
            ("{thresholds: [{max_connections: 1000000000}]}", nil),
            ("{thresholds: [{}]}", nil),
        ] as [(String, Int?)])
    func `bound a cluster's connections by its circuit breaker`(breakers: String, most: Int?) throws
    {
        let (configuration, warnings) = try read(cluster: "circuit_breakers: \(breakers)")
        #expect(configuration.clusters[0].maxConnections == most && warnings == [])
    }

    @Test func `have endpoints by name`() throws {
        let (configuration, warnings) = try read(
            cluster: "type: STRICT_DNS\n    dns_lookup_family: ALL\n    respect_dns_ttl: true",
            hosts: ["Kafka.internal", "b.internal."])
        let names = configuration.clusters[0].names.map(\.description)
        #expect(names == ["kafka.internal:443", "b.internal:443"])
        #expect(configuration.clusters[0].endpoints.isEmpty && warnings == [])
    }

    @Test func `say that both families count where Envoy would take one`() throws {
        let (_, warnings) = try read(cluster: "type: STRICT_DNS", hosts: ["b.internal"])
        #expect(warnings.count == 1 && warnings[0].contains("\"dns_lookup_family\" AUTO"))
    }

    @Test func `have addresses with STRICT_DNS, too, whatever is said of names`() throws {
        let (configuration, warnings) = try read(
            cluster: "type: STRICT_DNS\n    dns_lookup_family: V4_ONLY\n    dns_resolvers: []")
        #expect(configuration.clusters[0].endpoints.count == 1 && warnings == [])
    }
}
