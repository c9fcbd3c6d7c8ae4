// SPDX-License-Identifier: Apache-2.0
import Testing

extension EndToEndBeside {
    @Suite(.needsBalancer) struct `Hellos of all shapes` {
        private func split(
            _ lab: Lab, _ unit: String, _ size: Int, _ family: Family,
            of hello: String = "kafka1.server.test", options: [String] = []
        ) async throws -> Command.Output {
            let line = [Checkout.splitHello, family.vip, "443", hello, unit, "\(size)"]
            return try await lab.run(.client, line + options)
        }

        @Test(arguments: [1, 7, 100, 300], Family.allCases)
        func `arrive from any number of segments`(size: Int, family: Family) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let answer = try await split(lab, "segments", size, family)
                #expect(answer.text == "22\n", "\(answer)")
            }
        }

        @Test(arguments: [1, 50])
        func `arrive in records of any length`(size: Int) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(.v4))
                let answer = try await split(lab, "records", size, .v4)
                #expect(answer.text == "22\n", "\(answer)")
            }
        }

        /// That of a real OpenSSL 3.5. Another name than its own would get an alert, which is 21.
        @Test(arguments: [1, 100, 1575], Family.allCases)
        func `arrive with a post-quantum key share`(size: Int, family: Family) async throws {
            var configuration = Configuration.kafka(family)
            configuration.routes.append(("post-quantum.example.com", "kafka1"))
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                let hello = Checkout.captures + "/openssl-3.5.6.bin"
                for unit in ["segments", "records"] {
                    let answer = try await split(lab, unit, size, family, of: hello)
                    #expect(answer.text == "22\n", "\(unit): \(answer)")
                }
            }
        }

        @Test(arguments: Family.allCases)
        func `arrive from 4 KiB of single bytes`(family: Family) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let answer = try await split(lab, "segments", 1, family, options: ["3600"])
                #expect(answer.text == "22\n", "\(answer)")
            }
        }

        @Test(arguments: [1600, 4000, 12000], Family.allCases)
        func `arrive when longer than a segment`(length: Int, family: Family) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(family))
                for offloads in ["on", "off"] {
                    try await lab.perform("offloads", offloads)
                    let answer = try await lab.greet(
                        "kafka2.server.test", at: .listener(family), with: .python,
                        options: ["/", "\(length)"])
                    let place = "kafka2.server.test \(family.endpoint) 9094"
                    #expect(answer.text.contains(place), "offloads \(offloads): \(answer)")
                }
            }
        }

        /// 16 KiB of early data: a whole upload that rides behind the hello.
        @Test(arguments: Family.allCases)
        func `bring their early data along`(family: Family) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let answer = try await lab.uploadEarly(length: 15_000, at: .listener(family))
                #expect(answer.text.contains("Early data was accepted"), "\(answer)")
                #expect(answer.text.contains(" 15000\n"), "\(answer)")
            }
        }
    }
}

extension Lab {
    /// Two connections of `openssl s_client`: one for a ticket, one that uploads by early data.
    func uploadEarly(length: Int, at target: Target) async throws -> Command.Output {
        let name = "kafka1.server.test"
        let script = """
            cd \(state)
            printf 'POST /upload HTTP/1.0\\r\\nHost: \(name)\\r\\nContent-Length: \(length)\\r\\n\\r\\n' >early
            head -c \(length) files/16.bin >>early
            tls="timeout 20 openssl s_client -tls1_3 -CAfile \(authority) -servername \(name) \
            -connect \(target.joined)"
            printf 'GET / HTTP/1.0\\r\\n\\r\\n' | $tls -ign_eof -sess_out ticket >/dev/null
            $tls -ign_eof -sess_in ticket -early_data early </dev/null
            """
        return try await run(.client, ["bash", "-c", script])
    }
}
