// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension EndToEnd {
    /// What happens to connections when nobody is at home.
    @Suite(.needsBalancer) struct `Life without the daemon` {
        /// A download and an upload that have begun, at `mebibytes` a second each: four seconds.
        private func startTransfers(
            _ lab: Lab, _ family: Family, file: Int = 16, pace mebibytes: Int = 4
        ) async throws -> Transfers {
            let target = Target.listener(family)
            let transfers = Transfers(
                hash: try await lab.hash(of: "\(file).bin"), length: file << 20,
                download: try lab.startDownload("/slow/\(file).bin", from: target),
                upload: try lab.startUpload(
                    "\(file).bin", as: "kafka2.server.test", to: target,
                    options: ["--limit-rate", "\(mebibytes)M"]))
            let haveBegun = try await isTrue(within: .seconds(10)) {
                try await lab.flows("state established and bytes > 500KiB").count == 2
            }
            #expect(haveBegun)
            return transfers
        }

        private struct Transfers {
            var hash: String
            var length: Int
            var download, upload: Command

            var areRunning: Bool { download.isRunning && upload.isRunning }

            func finish() async throws {
                let down = try await download.wait()
                let up = try await upload.wait()
                #expect(down.text.hasPrefix(hash), "\(down)")
                #expect(up.text == "\(hash) \(length)\n", "\(up)")
            }
        }

        /// Of 64 MiB each way, or 1 GiB with `SLUICE_LARGE=1`.
        @Test(arguments: Family.allCases)
        func `transfers do not notice that it is stopped, and cost it nothing`(
            family: Family
        ) async throws {
            let isLarge = ProcessInfo.processInfo.environment["SLUICE_LARGE"] == "1"
            let (file, pace) = isLarge ? (1024, 64) : (64, 16)
            try await withLab { lab in
                try await lab.perform("file", "\(file)")
                try await lab.perform("pace", "\(pace << 10)")
                let balancer = try await lab.startBalancer(.kafka(family))
                let transfers = try await startTransfers(lab, family, file: file, pace: pace)
                balancer.command.send(SIGSTOP)
                let isStopped = try await isTrue(within: .seconds(5)) { try balancer.isStopped }
                #expect(isStopped)
                let before = try balancer.processorNanoseconds
                #expect(before > 0)
                #expect(try await lab.rows("bytes > \(transfers.length / 2)").isEmpty)
                #expect(transfers.areRunning)
                try await transfers.finish()
                #expect(try balancer.processorNanoseconds == before)
                #expect(try balancer.isStopped)
                let rows = try await lab.rows("mode spliced and bytes > \(transfers.length)")
                #expect(rows.count == 2)
                balancer.command.send(SIGCONT)
                let answer = try await lab.greet("kafka3.server.test", at: .listener(family))
                #expect(answer.isSuccess, "\(answer)")
            }
        }

        @Test func `a running daemon uses no processor time while spliced bytes flow`() async throws
        {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(.v4))
                let transfers = try await startTransfers(lab, .v4)
                let before = try balancer.processorTicks
                try await transfers.finish()
                // Two ticks of 10 ms in four seconds: what a sweep now and then may cost.
                #expect(try balancer.processorTicks - before <= 2)
            }
        }

        @Test(arguments: Family.allCases)
        func `transfers outlive kill -9, and a restart adopts them`(family: Family) async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(family))
                let transfers = try await startTransfers(lab, family)
                try await balancer.kill()
                #expect(try await lab.flows("state established").count == 2)
                let refused = try await lab.greet("kafka3.server.test", at: .listener(family))
                #expect(refused.status == 7, "new clients are refused at once: \(refused)")

                let successor = try await lab.startBalancer(.kafka(family))
                #expect(transfers.areRunning)
                #expect(try await lab.flows("state established").count == 2)
                let answer = try await lab.greet("kafka3.server.test", at: .listener(family))
                #expect(answer.isSuccess, "\(answer)")
                try await transfers.finish()
                try await successor.stop()
                #expect(try await lab.leftovers().isEmpty)
            }
        }

        @Test func `transfers finish although nobody comes back`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(.v4))
                let transfers = try await startTransfers(lab, .v4)
                try await balancer.kill()
                try await transfers.finish()
                #expect(try await lab.flows("mode spliced").count == 2)
            }
        }

        /// A clsact filter stays when its maker is killed: the heartbeat tells it.
        @Test func `new clients are refused with clsact as well, once the heartbeat is over`()
            async throws
        {
            var configuration = Configuration.kafka(.v4)
            configuration.settings.append("attach: clsact")
            try await withLab { [configuration] lab in
                let balancer = try await lab.startBalancer(configuration)
                #expect(try await lab.greet("kafka1.server.test", at: .listener(.v4)).isSuccess)
                try await balancer.kill()
                let isRefused = try await isTrue(within: .seconds(10)) {
                    let line = lab.curl("kafka1.server.test", .listener(.v4), "/")
                    return try await lab.run(.client, line + ["--max-time", "1"]).status == 7
                }
                #expect(isRefused)
                #expect(try await lab.counter("pass_no_daemon") > 0)
            }
        }

        @Test func `a clean stop leaves nothing`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(.v4))
                _ = try await lab.greet("kafka1.server.test", at: .listener(.v4))
                #expect(try await !lab.leftovers().isEmpty, "else the check sees nothing")
                let end = try await balancer.stop()
                #expect(end.status == 0)
                let leftovers = try await lab.leftovers()
                #expect(leftovers.isEmpty)
            }
        }

        @Test func `a stop with --keep-flows leaves flows that go on`() async throws {
            try await withLab { lab in
                let balancer = try await lab.startBalancer(.kafka(.v4), options: ["--keep-flows"])
                let transfers = try await startTransfers(lab, .v4)
                let end = try await balancer.stop()
                #expect(end.status == 0)
                #expect(transfers.areRunning)
                #expect(try await lab.flows("state established").count == 2)
                try await transfers.finish()
                let unload = try await lab.runBalancer("unload", "--instance", lab.name)
                #expect(unload.isSuccess, "\(unload)")
                #expect(try await lab.leftovers().isEmpty)
            }
        }
    }
}
