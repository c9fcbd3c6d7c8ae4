// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// No MAC address is kept: the FIB and the neighbour table are asked as they change.
    @Suite(.needsBalancer) struct `Next hops` {
        private func route(_ lab: Lab, _ arguments: String...) async throws {
            let output = try await lab.run(.balancer, ["ip"] + arguments)
            #expect(output.isSuccess, "ip \(arguments): \(output)")
        }

        private func neighbours(_ lab: Lab, _ address: String) async throws -> String {
            try await lab.run(.balancer, ["ip", "neigh", "show", address]).text
        }

        @Test(arguments: Family.allCases)
        func `may be forgotten and replaced during a transfer`(family: Family) async throws {
            var configuration = Configuration.echo(family)
            configuration.route(
                "kafka1.server.test", to: "kafka1", family.join(family.endpoint, 9093))
            try await withLab(.twoArm) { [configuration] lab in
                try await lab.startEcho()
                _ = try await lab.startBalancer(configuration)
                let target = Target.listener(family)
                let hash = try await lab.hash(of: "16.bin")
                let talk = try lab.startTalk(["--steady"], at: target)
                try await talk.waitUntilOpen()
                let download = try lab.startDownload("/slow/16.bin", from: target)
                let hasBegun = try await isTrue(within: .seconds(5)) {
                    try await lab.flows("sni kafka1* and bytes > 1MiB").count == 1
                }
                #expect(hasBegun)

                for (address, device) in [(family.endpoint, "back"), (family.client, "front")] {
                    try await route(lab, "neigh", "del", address, "dev", device)
                    try await Task.sleep(for: .milliseconds(400))
                    let found = try await neighbours(lab, address)
                    #expect(found.contains("lladdr"), "\(found)")
                }
                // The same endpoint by way of its other address.
                #expect(try await !neighbours(lab, family.secondEndpoint).contains("lladdr"))
                let length = family == .v4 ? "32" : "128"
                try await route(
                    lab, "route", "replace", "\(family.endpoint)/\(length)", "via",
                    family.secondEndpoint, "dev", "back")
                let isUsed = try await isTrue(within: .seconds(2)) {
                    try await neighbours(lab, family.secondEndpoint).contains("lladdr")
                }
                #expect(isUsed, "packets go by the new gateway")

                #expect(download.isRunning)
                let output = try await download.wait()
                #expect(output.text.hasPrefix(hash), "\(output)")
                let report = try await talk.end()
                #expect(report.good == 1 && report.errors.isEmpty, "\(report)")
                #expect(report.slowest < 1, "\(report)")
                #expect(try await lab.flows("mode spliced").count == 2)
            }
        }
    }
}
