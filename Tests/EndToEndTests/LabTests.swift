// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// What the other suites rely on, proved by plain forwarding.
    @Suite(.needsLab) struct `The lab itself` {
        @Test(arguments: Lab.Layout.allCases, Family.allCases)
        func `serves each name with its own certificate`(
            layout: Lab.Layout, family: Family
        ) async throws {
            try await withLab(layout, direct: true) { lab in
                for (number, client) in TLSClient.allCases.enumerated() {
                    let name = "kafka\(number % 3 + 1).server.test"
                    let port = 9093 + number % 3
                    let answer = try await lab.greet(
                        name, at: .endpoint(family, port), with: client)
                    #expect(answer.text.contains("\(name) \(family.endpoint) \(port)"))
                }
            }
        }

        @Test(arguments: Family.allCases)
        func `moves files both ways unharmed`(family: Family) async throws {
            try await withLab(direct: true) { lab in
                let hash = try await lab.hash(of: "16.bin")
                let target = Target.endpoint(family, 9093)
                let down = try await lab.startDownload("/16.bin", from: target).wait()
                let up = try await lab.startUpload("16.bin", to: target).wait()
                #expect(down.text.hasPrefix(hash), "\(down)")
                #expect(up.text == "\(hash) 16777216\n", "\(up)")
            }
        }

        @Test func `has no way from client to endpoint unless asked`() async throws {
            try await withLab { lab in
                let line = lab.curl("kafka1.server.test", .endpoint(.v4, 9093), "/")
                let answer = try await lab.run(.client, line + ["--max-time", "1"])
                #expect(!answer.isSuccess)
            }
        }

        @Test(arguments: LostPackets.all)
        func `loses what it is told to`(loss: LostPackets) async throws {
            try await withLab(direct: true) { lab in
                try await loss.arm(lab, count: 1)
                let answer = try await lab.greet("kafka1.server.test", at: .endpoint(.v4, 9093))
                #expect(answer.isSuccess, "\(answer)")
                #expect(try await lab.perform("lost") == "1")
            }
        }

        @Test func `has endpoints that take early data`() async throws {
            try await withLab(direct: true) { lab in
                let answer = try await lab.uploadEarly(length: 15_000, at: .endpoint(.v4, 9093))
                #expect(answer.text.contains("Early data was accepted"), "\(answer)")
                #expect(answer.text.contains(" 15000\n"), "\(answer)")
            }
        }

        @Test func `has an endpoint that asks for another hello`() async throws {
            try await withLab(direct: true) { lab in
                let answer = try await lab.greet(
                    "strict.web.test", at: .endpoint(.v4, 9097), with: .openssl,
                    options: ["-msg"])
                let hellos = answer.text.components(separatedBy: "ClientHello").count - 1
                #expect(hellos == 2, "\(answer)")
            }
        }

        @Test func `survives loss by repeating`() async throws {
            try await withLab(direct: true) { lab in
                try await lab.perform("loss", "2")
                let volley = try await lab.fire(
                    "stub.test", at: .endpoint(.v4, 9443), options: ["-c", "500", "-p", "25"])
                #expect(volley.connections == 500)
                #expect(try await lab.perform("lost") != "0")
            }
        }

        @Test(arguments: ["tcx", "clsact"])
        func `counts packets by a foreign program`(hook: String) async throws {
            try await withLab(direct: true) { lab in
                try await lab.perform("foreign", hook)
                let before = try await lab.foreignPackets
                _ = try await lab.greet("kafka1.server.test", at: .endpoint(.v4, 9093))
                #expect(try await lab.foreignPackets > before + 4)
                #expect(try await lab.leftovers().count == 1)
            }
        }
    }
}
