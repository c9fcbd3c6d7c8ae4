// SPDX-License-Identifier: Apache-2.0
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Routing by name` {
        @Test(arguments: TLSClient.allCases, Family.allCases)
        func `brings each name to its endpoint, whose certificate the client sees`(
            client: TLSClient, family: Family
        ) async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(family))
                for number in 1...3 {
                    let name = "kafka\(number).server.test"
                    let answer = try await lab.greet(name, at: .listener(family), with: client)
                    let place = "\(name) \(family.endpoint) \(9092 + number)"
                    #expect(answer.isSuccess && answer.text.contains(place), "\(answer)")
                    #expect(try await lab.flows("mode spliced and sni \(name)").count == 1)
                }
                try await balancer.stop()
            }
        }

        @Test(arguments: Lab.Layout.allCases, Family.allCases)
        func `serves every layout without forwarding by the kernel`(
            layout: Lab.Layout, family: Family
        ) async throws {
            try await withLab(layout) { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let answer = try await lab.greet("kafka2.server.test", at: .listener(family))
                #expect(answer.text == "kafka2.server.test \(family.endpoint) 9094\n", "\(answer)")
                #expect(try await lab.flows("mode spliced").count == 1)
            }
        }

        @Test(arguments: ["tls1", "tls1_1", "tls1_2", "tls1_3"])
        func `is blind to the version of TLS`(version: String) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(.v4))
                let answer = try await lab.greet(
                    "kafka1.server.test", at: .listener(.v4), with: .openssl,
                    options: ["-\(version)", "-cipher", "DEFAULT:@SECLEVEL=0"])
                #expect(answer.text.contains("kafka1.server.test"), "\(answer)")
            }
        }

        @Test func `takes the most specific wildcard, whatever the case of the name`() async throws
        {
            var configuration = Configuration.kafka(.v4)
            configuration.routes.append(("*.deep.web.test", "kafka2"))
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                let expected = [
                    "a.web.test": "web ", "A.Web.TEST": "web ", "x.deep.web.test": "kafka2",
                    "strict.web.test": "web ", "KAFKA3.server.test": "kafka3",
                ]
                for (name, endpoint) in expected where name != "strict.web.test" {
                    let line = lab.curl(name, .listener(.v4), "/") + ["-k"]
                    let answer = try await lab.run(.client, line)
                    #expect(answer.text.hasPrefix(endpoint), "\(name): \(answer)")
                }
            }
        }

        @Test func `leaves a second hello and a client's certificate alone`() async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(.v4))
                let certificate = "\(lab.state)/certificates/client.test"
                let answer = try await lab.greet(
                    "strict.web.test", at: .listener(.v4),
                    options: ["-i", "--cert", certificate + ".pem", "--key", certificate + ".key"])
                #expect(answer.text.contains("strict 10.0.0.10 9097"), "\(answer)")
                #expect(answer.text.contains("X-Client-Certificate: CN=client.test"))
                #expect(try await lab.flows().count == 1)
            }
        }

        @Test func `sends names that nobody knows to the default cluster`() async throws {
            var configuration = Configuration.kafka(.v4)
            configuration.policy = ["default: web"]
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                for name in ["other.test", "192.0.2.1"] {  // curl sends no SNI for an address
                    let line = lab.curl(name, .listener(.v4), "/") + ["-k"]
                    let answer = try await lab.run(.client, line)
                    #expect(answer.text == "web 10.0.0.10 9096\n", "\(name): \(answer)")
                }
            }
        }

        @Test func `keeps the listeners of one daemon apart`() async throws {
            let configuration = Configuration.kafka(.v4)
            var both = configuration
            both.addresses.append("192.0.2.1:9092")
            both.addresses.append("[2001:db8:f::1]:9092")
            try await withLab { [both] lab in
                _ = try await lab.startBalancer(both)
                for port in [443, 9092] {
                    let target = Target(address: Family.v4.vip, port: port)
                    let answer = try await lab.greet("kafka1.server.test", at: target)
                    #expect(answer.text == "kafka1.server.test 10.0.0.10 9093\n", "\(answer)")
                }
            }
        }
    }
}
