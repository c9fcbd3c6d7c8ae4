// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Listeners` {
        /// 50 listeners a family, each with a default cluster of its own.
        private var hundred: Configuration {
            var configuration = Configuration.echo(.v4)
            for number in 0..<100 {
                let family = number < 50 ? Family.v4 : .v6
                configuration.otherListeners += [
                    "listener\(number):",
                    "  address: \"\(family.join(family.vip, 5000 + number))\"",
                    "  default: cluster\(number)",
                ]
                let endpoint = family.join(family.endpoint, 9800 + number)
                configuration.clusters.append(
                    ("cluster\(number)", ["endpoints: [\"\(endpoint)\"]"]))
            }
            return configuration
        }

        @Test func `by the hundred keep their flows apart`() async throws {
            let configuration = hundred
            try await withLab { lab in
                try await lab.startEcho(port: 9800, count: 100)
                _ = try await lab.startBalancer(configuration)
                let talks = try [(Family.v4, 5000), (.v6, 5050)].map { family, port in
                    try lab.startTalk(
                        ["--count", "50", "--ports", "50", "--bytes", "5000"],
                        at: Target(address: family.vip, port: port))
                }
                for talk in talks { try await talk.waitUntilOpen() }
                let rows = try await lab.rows("mode spliced and state established")
                #expect(rows.count == 100)
                for row in rows {
                    let number = row.listener.dropFirst("listener".count)
                    #expect(row.cluster == "cluster\(number)")
                    #expect(row.listenerAddress.hasSuffix(":\(5000 + (Int(number) ?? 0))"))
                    #expect(row.endpoint.hasSuffix(":\(9800 + (Int(number) ?? 0))"))
                }
                for (talk, first) in zip(talks, [9800, 9850]) {
                    let report = try await talk.end()
                    #expect(report.errors.isEmpty, "\(report)")
                    let each = (first..<first + 50).map { ("\($0)", 1) }
                    #expect(report.ports == Dictionary(uniqueKeysWithValues: each))
                }
            }
        }

        @Test(arguments: Family.allCases)
        func `serve a thousand ports of one line`(family: Family) async throws {
            var configuration = Configuration.kafka(family)
            let vip = family == .v4 ? family.vip : "[\(family.vip)]"
            configuration.addresses = ["\(vip):9000-9999"]
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                for port in [9000, 9001, 9443, 9998, 9999] {
                    let target = Target(address: family.vip, port: port)
                    let answer = try await lab.greet("kafka2.server.test", at: target)
                    let place = "kafka2.server.test \(family.endpoint) 9094\n"
                    #expect(answer.text == place, "\(port): \(answer)")
                    let listed = try await lab.flows("mode spliced and listener port \(port)")
                    #expect(listed.count == 1)
                }
                for port in [8999, 10_000] {
                    let target = Target(address: family.vip, port: port)
                    let answer = try await lab.greet("kafka2.server.test", at: target)
                    #expect(answer.status == 7, "\(port) is nobody's: \(answer)")
                }
            }
        }

        /// Wildcards mean every address of the attached interfaces, but for those of others.
        @Test(arguments: Family.allCases)
        func `on all addresses leave to others what is theirs`(family: Family) async throws {
            var configuration = Configuration.kafka(family)
            let any = family == .v4 ? "0.0.0.0" : "[::]"
            configuration.addresses = ["\(any):443"]
            configuration.otherListeners = [
                "own:", "  address: \"\(family.join(family.vip, 443))\"", "  default: kafka3",
            ]
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                let front = family == .v4 ? "198.51.100.1" : "2001:db8:c::1"
                for (address, listener, cluster) in [
                    (front, "tls", "kafka1"), (family.vip, "own", "kafka3"),
                ] {
                    let target = Target(address: address, port: 443)
                    let line = lab.curl("kafka1.server.test", target, "/") + ["-k"]
                    let answer = try await lab.run(.client, line)
                    #expect(answer.text.hasPrefix(cluster), "\(address): \(answer)")
                    let rows = try await lab.rows("mode spliced and cluster \(cluster)")
                    #expect(rows.map(\.listener) == [listener])
                }
            }
        }
    }

    @Suite(.needsBalancer) struct `Clients without a name` {
        @Test(arguments: Family.allCases)
        func `that do not speak TLS go to their cluster at the first byte`(
            family: Family
        ) async throws {
            var configuration = Configuration.kafka(family)
            configuration.policy = ["non_tls: plain"]
            configuration.clusters.append(
                (
                    "plain",
                    ["endpoints: [\"\(family.join(family.endpoint, Lab.echoPort))\"]"]
                ))
            try await withLab { [configuration] lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                for preface in [#"GET / HTTP/1.1\r\nHost: a\r\n\r\n"#, #"SSH-2.0-test\r\n"#] {
                    let began = ContinuousClock.now
                    let talk = try lab.startTalk(["--plain", preface], at: .listener(family))
                    try await talk.waitUntilOpen()
                    #expect(ContinuousClock.now - began < .seconds(2))
                    let rows = try await lab.rows("state established")
                    #expect(rows.map(\.cluster) == ["plain"])
                    #expect(rows.map(\.mode) == ["spliced"])
                    #expect(rows.allSatisfy { $0.serverName == nil })
                    try await talk.expectGood()
                }
                let answer = try await lab.greet("kafka1.server.test", at: .listener(family))
                #expect(answer.isSuccess, "\(answer)")
            }
        }

        @Test func `are rejected without a default, and told so`() async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(.v4))
                let line = [
                    "openssl", "s_client", "-quiet", "-noservername", "-connect", "192.0.2.1:443",
                ]
                let answer = try await lab.run(.client, line)
                #expect(!answer.isSuccess)
                #expect(answer.errors.contains("unrecognized name"), "\(answer)")
                #expect(try await lab.flows().isEmpty)
            }
        }

        @Test func `go to the default cluster`() async throws {
            var configuration = Configuration.kafka(.v4)
            configuration.policy = ["default: web"]
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                let line = [
                    "openssl", "s_client", "-quiet", "-noservername", "-connect", "192.0.2.1:443",
                ]
                let request = "GET / HTTP/1.0\r\n\r\n"
                let answer = try await lab.run(.client, line, input: request)
                #expect(answer.text.contains("web 10.0.0.10 9096"), "\(answer)")
                let rows = try await lab.rows("mode spliced")
                #expect(rows.map(\.cluster) == ["web"] && rows.allSatisfy { $0.serverName == nil })
            }
        }

        /// One connection each: the second request goes to the first one's endpoint, as ever.
        @Test func `and a second name on a connection change nothing`() async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(.v4))
                let first = lab.curl("a.web.test", .listener(.v4), "/")
                let other = ["-H", "Host: kafka1.server.test", "https://a.web.test/"]
                let answer = try await lab.run(.client, first + other)
                #expect(answer.text == "web 10.0.0.10 9096\nweb 10.0.0.10 9096\n", "\(answer)")
                #expect(try await lab.flows("mode spliced and sni a.web.test").count == 1)
                #expect(try await lab.flows().count == 1)
                let deep = lab.curl("x.y.web.test", .listener(.v4), "/") + ["-k"]
                #expect(try await lab.run(.client, deep).text == "web 10.0.0.10 9096\n")
                let bare = try await lab.run(
                    .client, lab.curl("web.test", .listener(.v4), "/") + ["-k"])
                #expect(bare.status == 35, "*.web.test is not web.test: \(bare)")
            }
        }

        @Test func `match one label alone when told to`() async throws {
            var configuration = Configuration.kafka(.v4)
            configuration.policy = ["wildcards: one_label"]
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                let answer = try await lab.greet("a.web.test", at: .listener(.v4))
                #expect(answer.text == "web 10.0.0.10 9096\n", "\(answer)")
                let deep = lab.curl("x.y.web.test", .listener(.v4), "/") + ["-k"]
                #expect(try await lab.run(.client, deep).status == 35)
            }
        }
    }
}
