// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// Endpoints and ways that take less than clients were promised.
    @Suite(.needsBalancer) struct `Less than promised` {
        private func upload(
            _ lab: Lab, _ family: Family, _ options: [String] = []
        ) async throws -> String {
            let upload = try lab.startUpload(
                "16.bin", as: "kafka1.server.test", to: .listener(family), options: options)
            return try await upload.wait().text
        }

        @Test(arguments: Family.allCases)
        func `an endpoint without timestamps is spliced to, from the second client on`(
            family: Family
        ) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                _ = try await lab.run(
                    .endpoint, ["sysctl", "-q", "-w", "net.ipv4.tcp_timestamps=0"])
                _ = try await lab.startBalancer(.echo(family))
                let first = try lab.startTalk(at: .listener(family))
                try await first.waitUntilOpen()
                #expect(try await lab.rows().map(\.relayReason) == ["options-refused"])
                try await Task.sleep(for: .milliseconds(500))
                let second = try lab.startTalk(at: .listener(family))
                try await second.waitUntilOpen()
                let spliced = try await lab.rows().filter { $0.mode == "spliced" }
                #expect(spliced.count == 1)
                #expect(spliced.first?.timestamps == false && spliced.first?.sack == true)
                try await first.expectGood()
                try await second.expectGood()
            }
        }

        @Test(arguments: Family.allCases)
        func `a smaller MSS of an endpoint reaches the client by ICMP once, then by our SYN-ACK`(
            family: Family
        ) async throws {
            try await withLab { lab in
                // Not below 1280 with IPv6, where no smaller packet can be asked for.
                let device = try await lab.run(
                    .endpoint,
                    ["ip", "-o", "route", "get", family == .v4 ? "10.0.0.1" : "fd00:e::1"])
                let words = device.text.split(separator: " ").map(String.init)
                let place = try #require(words.firstIndex(of: "dev"))
                let prefix = family == .v4 ? "10.0.0.1/32" : "fd00:e::1/128"
                let change = try await lab.run(
                    .endpoint,
                    ["ip", "route", "replace", prefix, "dev", words[place + 1], "advmss", "1300"])
                #expect(change.isSuccess, "\(change)")
                _ = try await lab.startBalancer(.kafka(family))
                let hash = try await lab.hash(of: "16.bin")
                #expect(try await upload(lab, family).hasPrefix(hash))
                let told = try await lab.counter("icmp_sent")
                #expect((1...3).contains(told))
                try await Task.sleep(for: .milliseconds(500))
                // The client forgets what the error told it.
                _ = try await lab.run(
                    .client, ["ip", family == .v4 ? "-4" : "-6", "route", "flush", "cache"])
                #expect(try await upload(lab, family).hasPrefix(hash))
                #expect(try await lab.counter("icmp_sent") == told)
            }
        }

        /// DP-18: the smallest MTU on the way is in our SYN-ACK, so that nothing has to be told.
        @Test(arguments: Family.allCases)
        func `a way that is narrow from the start is in the MSS that clients are told`(
            family: Family
        ) async throws {
            try await withLab(.twoArm) { lab in
                let change = try await lab.run(
                    .balancer, ["ip", "link", "set", "back", "mtu", "1400"])
                #expect(change.isSuccess, "\(change)")
                _ = try await lab.startBalancer(.kafka(family))
                let hash = try await lab.hash(of: "16.bin")
                #expect(try await upload(lab, family).hasPrefix(hash))
                for counter in ["drop_too_big", "icmp_sent", "drop_kernel", "drop_no_route"] {
                    #expect(try await lab.counter(counter) == 0, "\(counter)")
                }
            }
        }

        @Test(arguments: Family.allCases)
        func `a way out that shrinks in a transfer is told to the sender, which goes on`(
            family: Family
        ) async throws {
            try await withLab(.twoArm) { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let hash = try await lab.hash(of: "16.bin")
                let upload = try lab.startUpload(
                    "16.bin", as: "kafka1.server.test", to: .listener(family),
                    options: ["--limit-rate", "4M"])
                let hasBegun = try await isTrue(within: .seconds(10)) {
                    try await lab.flows("state established and bytes > 500KiB").count == 1
                }
                #expect(hasBegun)
                let change = try await lab.run(
                    .balancer, ["ip", "link", "set", "back", "mtu", "1280"])
                #expect(change.isSuccess, "\(change)")
                try await Task.sleep(for: .seconds(1))
                let sockets = try await lab.run(.client, ["ss", "-Htni", "state", "established"])
                #expect(sockets.text.contains("pmtu:1280"), "\(sockets)")
                #expect(try await lab.counter("drop_too_big") >= 1)
                #expect(try await upload.wait().text.hasPrefix(hash))
            }
        }
    }
}
