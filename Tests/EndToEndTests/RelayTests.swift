// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    @Suite(.needsBalancer) struct `Relayed connections` {
        @Test(arguments: Family.allCases)
        func `serve clients on the balancer's own host`(family: Family) async throws {
            try await withLab { lab in
                _ = try await lab.startBalancer(.kafka(family))
                let line = lab.curl("kafka2.server.test", .listener(family), "/slow/16.bin")
                let download = try lab.start(.balancer, line + ["-o", "/dev/null"])
                let isListed = try await isTrue(within: .seconds(3)) {
                    try await lab.flows("reason local-client").count == 1
                }
                #expect(isListed)
                #expect(try await download.wait().isSuccess)
                let answer = try await lab.greet(
                    "kafka1.server.test", at: .listener(family), from: .balancer)
                #expect(answer.text == "kafka1.server.test \(family.endpoint) 9093\n", "\(answer)")
            }
        }

        @Test(arguments: Family.allCases)
        func `are the fallback when BPF is not permitted`(family: Family) async throws {
            let wrapper = [
                "setpriv", "--inh-caps=-all",
                "--bounding-set=-bpf,-sys_admin,-perfmon,-net_admin",
            ]
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(family), wrapper: wrapper)
                let hash = try await lab.hash(of: "16.bin")
                let target = Target.listener(family)
                let down = try await lab.startDownload("/16.bin", from: target).wait()
                let up = try await lab.startUpload("16.bin", to: target).wait()
                #expect(down.text.hasPrefix(hash), "\(down)")
                #expect(up.text == "\(hash) 16777216\n", "\(up)")
                #expect(try await lab.leftovers().isEmpty)
                #expect(try await balancer.stop().status == 0)
            }
        }

        @Test func `join families that differ`() async throws {
            var configuration = Configuration.kafka(.v4)
            configuration.addresses.append(Family.v6.join(Family.v6.vip, 443))
            try await withLab { [configuration] lab in
                _ = try await lab.startBalancer(configuration)
                let answer = try await lab.greet("kafka1.server.test", at: .listener(.v6))
                #expect(answer.text == "kafka1.server.test 10.0.0.10 9093\n", "\(answer)")
                let hash = try await lab.hash(of: "16.bin")
                let down = try await lab.startDownload("/16.bin", from: .listener(.v6)).wait()
                #expect(down.text.hasPrefix(hash), "\(down)")
            }
        }
    }
}
